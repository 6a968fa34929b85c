/**
 * @file A specification for tests in which validators have something to lose: slashes take effect at once, sessions have
 * ten blocks.
 */
import { type HexString, keyPairFromSecret, PLANCK_PER_ALICE } from '@alice/protocol';
import type { ChainSpec } from '../chainSpec.js';
import { testSpec } from './testNetwork.js';

export const STAKE = 2000n * PLANCK_PER_ALICE;
/** The secret of the account that answers for a validator's key. */
export const validatorSecret = (i: number): string => `//V${i}`;

/** One validator with 2,000 ALICE at stake per consensus key. Needs `initCrypto`. */
export function stakedSpec(keys: readonly HexString[]): ChainSpec {
  const base = testSpec();
  const accounts = keys.map((_, i) => keyPairFromSecret(validatorSecret(i)).address);
  const planck = (STAKE + PLANCK_PER_ALICE).toString();
  return {
    ...base,
    balances: [...base.balances, ...accounts.map((address) => ({ address, planck }))],
    validators: accounts.map((address, i) => ({
      address,
      consensusKey: keys[i]!,
      stakePlanck: STAKE.toString(),
    })),
    staking: { slash_defer_ms: '0', session_blocks: 10, minimum_validators: 1, downtime_slash: 10_000_000 },
  };
}
