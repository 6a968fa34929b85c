/**
 * @file A specification for tests with the well-known development accounts; no real network may use them.
 */
import { keyPairFromSecret, PLANCK_PER_ALICE } from '@alice/protocol';
import type { ChainSpec } from '../chainSpec.js';

/** Alice and Bob hold 1,000 ALICE each; Bob reports epochs, Charlie collects fees. Needs `initCrypto`. */
export function testSpec(): ChainSpec {
  const [alice, bob, charlie] = ['//Alice', '//Bob', '//Charlie'].map(
    (secret) => keyPairFromSecret(secret).address,
  );
  const planck = (1000n * PLANCK_PER_ALICE).toString();
  return {
    chainName: 'Alice Test',
    timestampMs: 1_700_000_000_000,
    balances: [
      { address: alice!, planck },
      { address: bob!, planck },
    ],
    parameterServer: bob!,
    feeCollector: charlie!,
  };
}
