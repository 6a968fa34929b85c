/**
 * @file Which calls each type of delegate may make, as a pure function. Calls inside calls are judged too, so a batch
 * cannot smuggle anything. What is not named here is allowed to `Any` alone.
 */
import type { RuntimeCall } from '../Pallet.js';
import type { ProxyType } from './types.js';

/** Pallets whose calls move money elsewhere, or pass rights on. */
const GUARDED = new Set(['Balances', 'Sudo', 'Proxy']);

export function permits(type: ProxyType, call: RuntimeCall): boolean {
  if (type === 'Any') return true;
  if (call.type === 'Utility') {
    const { calls } = call.value.value as { calls: readonly RuntimeCall[] };
    return calls.every((inner) => permits(type, inner));
  }
  const setsRewardAddress = call.type === 'ProofOfGradient' && call.value.type.endsWith('_reward_address');
  if (type === 'RewardAddress') return setsRewardAddress;
  if (type === 'Staking') return call.type === 'Staking' || call.type === 'Session';
  return !GUARDED.has(call.type) && !setsRewardAddress;
}
