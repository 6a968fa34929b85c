/** @file What a chain is called in CometBFT: derived from its specification, so validators of another never join. */
import { type ChainSpec, chainSpecHash } from '../chainSpec.js';

export function cometChainId(spec: ChainSpec): string {
  return `alice-${chainSpecHash(spec).slice(2, 18)}`;
}
