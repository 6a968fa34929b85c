/** @file Storage of the Balances pallet. Balances themselves live in `System.Account`, as usual in Substrate. */
import { u128 } from '../../scale/primitives.js';
import type { ScaleType } from '../../scale/ScaleType.js';
import { accountId } from '../../scale/substrateTypes.js';
import { type Bound, storageMap, storageValue } from '../../storage/StorageItem.js';
import { accountData, NO_ACCOUNT } from '../system/types.js';
import { freezesType, holdsType, locksType, reservesType } from './types.js';

const pallet = 'Balances';

/** Invariant: the sum of all free and reserved balances. */
export const totalIssuance = storageValue({
  pallet,
  name: 'TotalIssuance',
  type: u128,
  default: 0n,
  docs: 'All planck that exist.',
});
const inactiveIssuance = storageValue({ pallet, name: 'InactiveIssuance', type: u128, default: 0n });

function byAccount<T>(name: string, type: ScaleType<T>, { absent, bound }: { absent: T; bound: Bound }) {
  return storageMap({
    pallet,
    name,
    hasher: 'Blake2128Concat',
    key: accountId,
    type,
    default: absent,
    bound,
  });
}

const never: Bound = { most: 0 };
/** What is held is itself the price of the entry. */
export const holds = byAccount('Holds', holdsType, { absent: [], bound: { paidBy: 'deposit' } });

export const balancesStorage = [
  totalIssuance,
  inactiveIssuance,
  byAccount('Account', accountData, { absent: NO_ACCOUNT.data, bound: never }),
  byAccount('Locks', locksType, { absent: [], bound: never }),
  byAccount('Reserves', reservesType, { absent: [], bound: never }),
  holds,
  byAccount('Freezes', freezesType, { absent: [], bound: never }),
] as const;
