/** @file Storage of the Sudo pallet: who is root, and the record of its use and of its end. */
import { u32 } from '../../scale/primitives.js';
import { accountId } from '../../scale/substrateTypes.js';
import { storageOptional, storageValue } from '../../storage/StorageItem.js';

const pallet = 'Sudo';

export const sudoKey = storageOptional({
  pallet,
  name: 'Key',
  type: accountId,
  docs: 'The account that may act as root; nobody once it is removed.',
});
export const sudoUses = storageValue({
  pallet,
  name: 'Uses',
  type: u32,
  default: 0,
  docs: 'Number of calls made as root since genesis.',
});
export const sudoRemovedAt = storageOptional({
  pallet,
  name: 'RemovedAt',
  type: u32,
  docs: 'Block in which the key was removed for good.',
});

export const sudoStorage = [sudoKey, sudoUses, sudoRemovedAt] as const;
