/**
 * @file Substrate's types for locks, reserves, holds and freezes. Only holds are used (`holds.ts`); wallets read the
 * other, empty, lists to work out what can be spent.
 */
import { byteArray, vec } from '../../scale/collections.js';
import { u128 } from '../../scale/primitives.js';
import { enumOf, plainEnum, struct, wrapper } from '../../scale/records.js';
import type { ScaleType, ValueOf } from '../../scale/ScaleType.js';

const identifier = byteArray(8);

function bounded<T>(path: string, item: ScaleType<T>): ScaleType<readonly T[]> {
  const name = `${path.split('::').at(-1)}<${item.name}>`;
  return wrapper(`bounded_collections::${path}`, vec(item), name, { T: item });
}

const balanceLock = struct('pallet_balances::types::BalanceLock', {
  id: identifier,
  amount: u128,
  reasons: plainEnum('pallet_balances::types::Reasons', ['Fee', 'Misc', 'All']),
});
const reserveData = struct('pallet_balances::types::ReserveData', { id: identifier, amount: u128 });

/** Why part of a balance is held, by the pallet that holds it. Indices are the pallets'. */
const holdReason = enumOf('alice_runtime::RuntimeHoldReason', {
  Staking: { index: 6, of: plainEnum('pallet_staking::HoldReason', ['Bond']) },
  ProofOfGradient: { index: 10, of: plainEnum('pallet_proof_of_gradient::HoldReason', ['RewardAddress']) },
  Proxy: { index: 13, of: plainEnum('pallet_proxy::HoldReason', ['ProxyDeposit']) },
});
export type HoldReason = ValueOf<typeof holdReason>;

function idAmount<T>(id: ScaleType<T>) {
  return struct(
    'frame_support::traits::tokens::misc::IdAmount',
    { id, amount: u128 },
    { Id: id, Balance: u128 },
  );
}

export const locksType = bounded('weak_bounded_vec::WeakBoundedVec', balanceLock);
export const reservesType = bounded('bounded_vec::BoundedVec', reserveData);
export const holdsType = bounded('bounded_vec::BoundedVec', idAmount(holdReason));
export const freezesType = bounded(
  'bounded_vec::BoundedVec',
  idAmount(enumOf('alice_runtime::RuntimeFreezeReason', {})),
);
