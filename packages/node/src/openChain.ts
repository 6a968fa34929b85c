/**
 * @file Puts runtime and chain together over an open store: block 0 is made when the store is empty, and a store that
 * was made from another specification is refused.
 */
import { toHex } from '@alice/protocol';
import { createRuntime, type Runtime } from '@alice/runtime';
import { Chain } from './Chain.js';
import { type ChainSpec, chainSpecHash, genesisOf } from './chainSpec.js';
import { NodeError } from './errors.js';
import type { SignatureDesk } from './signatures/SignatureDesk.js';
import type { ChainStore } from './store/ChainStore.js';

/** Throws `GENESIS_MISMATCH`, `STATE_CORRUPT`. */
export function openChain(
  store: ChainStore,
  spec: ChainSpec,
  { dir, signatures }: { dir: string; signatures: SignatureDesk },
): { chain: Chain; runtime: Runtime } {
  const specHash = chainSpecHash(spec);
  const stored = store.head ? store.fact('specHash') : specHash;
  if (stored !== specHash) throw genesisMismatch(store, dir);
  let chain: Chain | undefined;
  const runtime = createRuntime({
    verifySignature: signatures.verify,
    genesisHash: () => chain?.genesisHash,
    // Older hashes are in the state; only the head's own cannot be, and blocks would refuse any other.
    blockHash: (number) => (number === chain?.head.header.number ? chain.head.hash : undefined),
  });
  const genesis = genesisOf(spec);
  chain = new Chain(store, () => ({
    changes: runtime.buildGenesis(genesis),
    timestampMs: genesis.timestampMs,
    facts: { specHash },
  }));
  return { chain, runtime };
}

function genesisMismatch(store: ChainStore, dir: string): NodeError {
  const stored = store.blockByNumber(0)?.hash ?? toHex(new Uint8Array(32));
  return new NodeError(
    { code: 'GENESIS_MISMATCH', dir, stored },
    `${dir} holds another chain (genesis ${stored}): use the specification it was made with, or a new directory`,
  );
}
