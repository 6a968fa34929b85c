/** @file `alice_*`: what Substrate has no method for: the node's own health and the fate of an extrinsic. */
import type { Json, RpcContext, RpcMethod } from './context.js';
import type { Params } from './Params.js';

/** A chain that has not moved for this many block times is not healthy. */
const STALLED_AFTER_BLOCKS = 10;

function health({ engine }: RpcContext): Json {
  const { lastError, ...figures } = engine.health();
  const { hash, header } = engine.chain.head;
  const isStalled = header.number > 0 && figures.headAgeMs > STALLED_AFTER_BLOCKS * figures.blockTimeMs;
  return {
    status: lastError !== undefined || isStalled ? 'degraded' : 'ok',
    headNumber: header.number,
    headHash: hash,
    finalizedNumber: engine.finalized.header.number,
    genesisHash: engine.chain.genesisHash,
    ...figures,
    lastError: lastError ?? null,
  };
}

/**
 * `{status: 'unknown' | 'pool' | 'included', blockHash?, blockNumber?, error?}`. An `error` with `included` is the failed
 * call; with `unknown` it is why the pool let the extrinsic go, as long as the node remembers.
 */
function extrinsicStatus({ engine }: RpcContext, params: Params): Json {
  const status = engine.statusOf(params.hash(0));
  return status.status === 'dropped' ? { status: 'unknown', error: status.reason } : status;
}

export const aliceMethods = {
  alice_health: health,
  alice_extrinsicStatus: extrinsicStatus,
} satisfies Record<string, RpcMethod>;
