/**
 * @file A whole chain node in one call: store, chain, solo engine and RPC server, wired and started in that order and
 * closed in the reverse one. Whatever fails on the way, nothing stays open behind it.
 */
import { type HexString, initCrypto, type Logger, toHex } from '@alice/protocol';
import { createRuntime, type Runtime } from '@alice/runtime';
import { Chain } from './Chain.js';
import { type ChainSpec, chainSpecHash, genesisOf, parseChainSpec } from './chainSpec.js';
import type { Clock } from './engine/interface.js';
import { type Schedule, SoloEngine } from './engine/soloEngine.js';
import { NodeError } from './errors.js';
import { defaultRpcLimits, type RpcLimits } from './rpc/dispatch.js';
import { startRpcServer } from './rpc/server.js';
import { ChainStore } from './store/ChainStore.js';
import { initHasher } from './trie/blake2.js';

export interface NodeOptions {
  /** Where the chain lives; created when missing. One running node per directory. */
  readonly dir: string;
  readonly spec: ChainSpec;
  /** RPC port; 0 takes any free one. */
  readonly port: number;
  /** Default 127.0.0.1: only this machine. */
  readonly host?: string;
  /** Default 3000. */
  readonly blockTimeMs?: number;
  /** States of this many blocks behind the head stay readable; default 4096, `Infinity` keeps all. */
  readonly keepStates?: number;
  readonly rpcLimits?: Partial<RpcLimits>;
  readonly log: Logger;
  /** Default: the system clock. */
  readonly clock?: Clock;
}

export interface RunningNode {
  /** WebSocket address, `ws://host:port`; the same port answers HTTP POST. */
  readonly url: string;
  readonly port: number;
  readonly genesisHash: HexString;
  /** Stops producing, hangs up on clients and closes the store; safe to call twice. */
  close(): Promise<void>;
}

const DEFAULT_BLOCK_TIME_MS = 3000;
const DEFAULT_KEEP_STATES = 4096;
const LOOPBACK = '127.0.0.1';

/**
 * Starts a node and resolves when it serves and produces blocks. Throws `CHAIN_SPEC_INVALID`, `NODE_DIR_LOCKED`,
 * `GENESIS_MISMATCH`, `STATE_CORRUPT`, `STORE_FORMAT`, `PORT_BUSY`.
 */
export async function startNode(options: NodeOptions): Promise<RunningNode> {
  const { dir, log, host = LOOPBACK, keepStates = DEFAULT_KEEP_STATES } = options;
  await Promise.all([initCrypto(), initHasher()]);
  const spec = parseChainSpec(options.spec);
  const store = new ChainStore({ dir, keepStates });
  try {
    const { chain, runtime } = openChain(store, spec, dir);
    const engine = soloEngine(options, chain, runtime);
    const { genesisHash, head } = chain;
    const server = await startRpcServer({
      context: { engine, runtime, chainName: spec.chainName, log },
      host,
      port: options.port,
      limits: { ...defaultRpcLimits, ...options.rpcLimits },
      log,
    });
    engine.start();
    log.info('Chain node started', { dir, port: server.port, genesisHash, headNumber: head.header.number });
    const stop = async (): Promise<void> => {
      engine.close();
      await server.close();
      await store.close();
      log.info('Chain node stopped', { headNumber: chain.head.header.number });
    };
    let stopped: Promise<void> | undefined;
    const close = (): Promise<void> => (stopped ??= stop());
    const urlHost = host.includes(':') ? `[${host}]` : host;
    return { url: `ws://${urlHost}:${server.port}`, port: server.port, genesisHash, close };
  } catch (error) {
    await store.close();
    throw error;
  }
}

function soloEngine(options: NodeOptions, chain: Chain, runtime: Runtime): SoloEngine {
  const { log, blockTimeMs = DEFAULT_BLOCK_TIME_MS, clock = Date.now } = options;
  return new SoloEngine({ chain, runtime, log, blockTimeMs, clock, schedule: byTimeout });
}

const byTimeout: Schedule = (action, delayMs) => {
  const timer = setTimeout(action, delayMs);
  return () => clearTimeout(timer);
};

function openChain(store: ChainStore, spec: ChainSpec, dir: string): { chain: Chain; runtime: Runtime } {
  const specHash = chainSpecHash(spec);
  const stored = store.head ? store.fact('specHash') : specHash;
  if (stored !== specHash) throw genesisMismatch(store, dir);
  let chain: Chain | undefined;
  const runtime = createRuntime({
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
