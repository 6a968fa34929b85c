/**
 * @file `state_*`: storage, keys, proofs and runtime calls, at the head or at any block whose state is kept. Numbers
 * of keys per request are bounded, so one request cannot hold the node for long.
 */
import { concatBytes, type HexString, messageOf, toHex } from '@alice/protocol';
import type { StateView } from '@alice/runtime';
import { RPC_CODE, rpcError } from '../errors.js';
import type { PastRuntime } from '../RuntimeArchive.js';
import { compact, u32le } from '../scale.js';
import { blake2 } from '../trie/blake2.js';
import type { Json, RpcContext, RpcMethod } from './context.js';
import type { Params } from './Params.js';

const MOST_PAGED_KEYS = 1000;
const MOST_QUERIED_KEYS = 4096;
const NONCE_API = 'AccountNonceApi_account_nonce';

const valueAt = ({ engine }: RpcContext, params: Params): Uint8Array | undefined =>
  engine.chain.stateAt(params.optionalHash(1)).get(params.bytes(0));

const hexOrNull = (value: Uint8Array | undefined): Json => (value ? toHex(value) : null);

function getKeysPaged({ engine }: RpcContext, params: Params): Json {
  const hash = params.optionalHash(3);
  const after = params.optionalBytes(2);
  return engine.chain.keysAt({
    prefix: params.optionalBytes(0) ?? new Uint8Array(),
    limit: params.count(1, MOST_PAGED_KEYS),
    ...(after ? { after } : {}),
    ...(hash ? { hash } : {}),
  });
}

function queryStorageAt({ engine }: RpcContext, params: Params): Json {
  const keys = params.bytesList(0, MOST_QUERIED_KEYS);
  const hash = params.optionalHash(1);
  const state = engine.chain.stateAt(hash);
  return [
    {
      block: hash ?? engine.chain.head.hash,
      changes: keys.map((key) => [toHex(key), hexOrNull(state.get(key))]),
    },
  ];
}

function getReadProof({ engine }: RpcContext, params: Params): Json {
  const keys = params.bytesList(0, MOST_PAGED_KEYS);
  const hash = params.optionalHash(1);
  return { at: hash ?? engine.chain.head.hash, proof: engine.chain.proof(keys, hash).map(toHex) };
}

/**
 * Runs a runtime API. The nonce API alone looks past the state: at the newest blocks it counts the pool as well, so
 * that two quick transactions of one account do not collide. Consensus never sees this.
 */
function call(context: RpcContext, params: Params): Json {
  const [method, data, hash] = [params.text(0), params.bytes(1), params.optionalHash(2)];
  const { engine } = context;
  const state = engine.chain.stateAt(hash);
  const isNewest = hash === undefined || hash === engine.chain.head.hash || hash === engine.finalized.hash;
  if (method === NONCE_API && isNewest && data.length === 32) return toHex(u32le(engine.nextNonce(data)));
  const past = pastRuntime(context, hash);
  const old = past && pastAnswer(past, method, data);
  return toHex(old ?? runtimeAnswer(context, state, { method, data }));
}

const pastRuntime = (
  { engine, runtimeAt }: RpcContext,
  hash: HexString | undefined,
): PastRuntime | undefined => runtimeAt?.(engine.chain.numberAt(hash));

/** What a runtime that is gone answered about itself; everything else is the running one's word. */
function pastAnswer(past: PastRuntime, method: string, data: Uint8Array): Uint8Array | undefined {
  const prefixed = (bytes: Uint8Array): Uint8Array => concatBytes(compact(bytes.length), bytes);
  if (method === 'Core_version') return past.coreVersion;
  if (method === 'Metadata_metadata') return prefixed(past.metadata14);
  if (method !== 'Metadata_metadata_at_version' || data.length !== 4) return undefined;
  const version = new DataView(data.buffer, data.byteOffset, 4).getUint32(0, true);
  const metadata = version === 14 ? past.metadata14 : version === 15 ? past.metadata15 : undefined;
  return metadata ? concatBytes(Uint8Array.of(1), prefixed(metadata)) : Uint8Array.of(0);
}

function runtimeAnswer(
  { runtime, log }: RpcContext,
  state: StateView,
  { method, data }: { method: string; data: Uint8Array },
): Uint8Array {
  let answer: Uint8Array | undefined;
  try {
    answer = runtime.call(state, method, data);
  } catch (error) {
    log.debug('A runtime call failed', { method, error: messageOf(error) });
    throw rpcError(RPC_CODE.stateError, 'Execution failed', 'the runtime could not read the arguments');
  }
  if (!answer)
    throw rpcError(RPC_CODE.stateError, 'Execution failed', `unknown runtime API ${method.slice(0, 80)}`);
  return answer;
}

function getMetadata(context: RpcContext, params: Params): Json {
  const past = pastRuntime(context, params.optionalHash(0));
  return toHex(past?.metadata14 ?? context.runtime.metadata(14));
}

const getRuntimeVersion: RpcMethod = (context, params) =>
  (pastRuntime(context, params.optionalHash(0))?.versionJson ?? context.runtime.versionJson) as Json;

function getStorageHash(context: RpcContext, params: Params): Json {
  const value = valueAt(context, params);
  return value ? toHex(blake2(value)) : null;
}

export const stateMethods = {
  state_getStorage: (context, params) => hexOrNull(valueAt(context, params)),
  state_getStorageHash: getStorageHash,
  state_getStorageSize: (context, params) => valueAt(context, params)?.length ?? null,
  state_getKeysPaged: getKeysPaged,
  state_queryStorageAt: queryStorageAt,
  state_getReadProof: getReadProof,
  state_call: call,
  state_getMetadata: getMetadata,
  state_getRuntimeVersion: getRuntimeVersion,
  chain_getRuntimeVersion: getRuntimeVersion,
} satisfies Record<string, RpcMethod>;
