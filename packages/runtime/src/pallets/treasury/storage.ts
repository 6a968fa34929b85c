/** @file Storage of the Treasury pallet: the record of what was spent. */
import { u32, u128 } from '../../scale/primitives.js';
import { struct } from '../../scale/records.js';
import { storageMap } from '../../storage/StorageItem.js';
import { POT_ACCOUNTS, potType } from './pots.js';

const spentType = struct('pallet_treasury::types::Spent', { times: u32, amount: u128 });

export const spent = storageMap({
  pallet: 'Treasury',
  name: 'Spent',
  hasher: 'Twox64Concat',
  key: potType,
  bound: { most: Object.keys(POT_ACCOUNTS).length },
  type: spentType,
  default: { times: 0, amount: 0n },
  docs: 'How often and how much was spent from a pot since genesis.',
});
