/**
 * @file A whole chain node in one call: store, chain, engine and RPC server, wired and started in that order and
 * closed in the reverse one. Whatever fails on the way, nothing stays open behind it.
 */
import { join } from 'node:path';
import { type HexString, initCrypto, type Logger, messageOf, urlHost } from '@alice/protocol';
import type { Runtime } from '@alice/runtime';
import type { Chain } from './Chain.js';
import { type ChainSpec, parseChainSpec } from './chainSpec.js';
import { type CometChoice, startComet } from './comet/startComet.js';
import type { BlockEngine, Clock } from './engine/interface.js';
import { type Schedule, SoloEngine } from './engine/soloEngine.js';
import { DescribeThread } from './explorer/DescribeThread.js';
import { Explorer } from './explorer/Explorer.js';
import { ExplorerIndex } from './explorer/ExplorerIndex.js';
import { openChain } from './openChain.js';
import { RuntimeArchive } from './RuntimeArchive.js';
import { defaultRpcLimits, type RpcLimits } from './rpc/dispatch.js';
import { startRpcServer } from './rpc/server.js';
import { SignatureDesk } from './signatures/SignatureDesk.js';
import { SignatureWorkers } from './signatures/SignatureWorkers.js';
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
  /** Blocks that the explorer index covers; default 100,000, 0 keeps none. */
  readonly explorerBlocks?: number;
  /** Who decides the blocks; default: this node alone. */
  readonly engine?: { readonly kind: 'solo' } | CometChoice;
  /** The engine cannot go on and the node should be stopped. Default: it is logged only. */
  readonly onFatal?: (error: Error) => void;
  readonly log: Logger;
  /** Default: the system clock. */
  readonly clock?: Clock;
}

export interface RunningNode {
  /** WebSocket address, `ws://host:port`; the same port answers HTTP POST. */
  readonly url: string;
  readonly port: number;
  readonly genesisHash: HexString;
  /** RPC of the CometBFT behind this node, `http://host:port`, where there is one and it is known. */
  readonly cometRpcUrl: string | undefined;
  /** Stops producing, hangs up on clients and closes the store; safe to call twice. */
  close(): Promise<void>;
}

const DEFAULT_BLOCK_TIME_MS = 3000;
const DEFAULT_KEEP_STATES = 4096;
const DEFAULT_EXPLORER_BLOCKS = 100_000;
const LOOPBACK = '127.0.0.1';

/**
 * Starts a node and resolves when it serves and produces blocks. Throws `CHAIN_SPEC_INVALID`, `NODE_DIR_LOCKED`,
 * `GENESIS_MISMATCH`, `STATE_CORRUPT`, `STORE_FORMAT`, `PORT_BUSY`, `COMET_GENESIS`, `COMET_FAILED`.
 */
export async function startNode(options: NodeOptions): Promise<RunningNode> {
  const { dir, log, host = LOOPBACK, keepStates = DEFAULT_KEEP_STATES } = options;
  await Promise.all([initCrypto(), initHasher()]);
  const spec = parseChainSpec(options.spec);
  // Closed in the reverse order, whether the node stops or does not get as far.
  const opened: (() => Promise<void>)[] = [];
  const closeAll = async (): Promise<void> => {
    for (const close of opened.splice(0).reverse()) await close();
  };
  try {
    const store = new ChainStore({ dir, keepStates });
    opened.push(() => store.close());
    const workers = new SignatureWorkers({ log });
    opened.push(() => workers.close());
    const signatures = new SignatureDesk(workers);
    const { chain, runtime } = openChain(store, spec, { dir, signatures });
    const engine = await openEngine(options, { chain, runtime, signatures, spec });
    opened.push(engine.close);
    const { genesisHash, head } = chain;
    const archive = new RuntimeArchive(store, runtime, {
      number: head.header.number,
      state: chain.headState,
    });
    const explorer = openExplorer(options, { chain, runtime, archive, blocks: engine.blocks });
    if (explorer) opened.push(explorer.close);
    const server = await startRpcServer({
      context: {
        engine: engine.blocks,
        runtime,
        chainName: spec.chainName,
        ...(explorer ? { explorer: explorer.explorer } : {}),
        log,
        runtimeAt: (number) => archive.at(number),
      },
      host,
      port: options.port,
      limits: { ...defaultRpcLimits, ...options.rpcLimits },
      log,
    });
    opened.push(() => server.close());
    engine.start();
    log.info('Chain node started', { dir, port: server.port, genesisHash, headNumber: head.header.number });
    let stopped: Promise<void> | undefined;
    const close = (): Promise<void> =>
      (stopped ??= closeAll().then(() =>
        log.info('Chain node stopped', { headNumber: chain.head.header.number }),
      ));
    return {
      url: `ws://${urlHost(host)}:${server.port}`,
      port: server.port,
      genesisHash,
      cometRpcUrl: engine.cometRpcUrl,
      close,
    };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

/** The explorer's index, following the engine's blocks; `undefined` when it is switched off. */
function openExplorer(
  { dir, log, explorerBlocks = DEFAULT_EXPLORER_BLOCKS }: NodeOptions,
  parts: { chain: Chain; runtime: Runtime; archive: RuntimeArchive; blocks: BlockEngine },
): { explorer: Explorer; close: () => Promise<void> } | undefined {
  if (explorerBlocks === 0) return undefined;
  const { chain, runtime, archive, blocks } = parts;
  const index = new ExplorerIndex(chain, { dir: join(dir, 'explorer'), keepBlocks: explorerBlocks, log });
  const thread = new DescribeThread(log);
  const stop = blocks.onBlock((block) => index.onBlock(block));
  void index
    .catchUp()
    .catch((error: unknown) => log.warn('The explorer index is behind', { error: messageOf(error) }));
  const explorer = new Explorer({ chain, runtime, index, thread, runtimeAt: (number) => archive.at(number) });
  const close = async (): Promise<void> => {
    stop();
    await Promise.all([index.close(), thread.close()]);
  };
  return { explorer, close };
}

interface OpenEngine {
  readonly blocks: BlockEngine;
  readonly cometRpcUrl: string | undefined;
  start(): void;
  close(): Promise<void>;
}

async function openEngine(
  options: NodeOptions,
  parts: { chain: Chain; runtime: Runtime; signatures: SignatureDesk; spec: ChainSpec },
): Promise<OpenEngine> {
  const { log, dir, engine, blockTimeMs = DEFAULT_BLOCK_TIME_MS, clock = Date.now } = options;
  const common = { ...parts, log, blockTimeMs, clock, schedule: byTimeout };
  if (engine?.kind === 'cometbft') {
    const onFatal = options.onFatal ?? (() => undefined);
    const comet = await startComet(engine, { ...common, dir, onFatal });
    return { blocks: comet.engine, cometRpcUrl: comet.rpcUrl, start: comet.start, close: comet.close };
  }
  const solo = new SoloEngine(common);
  return {
    blocks: solo,
    cometRpcUrl: undefined,
    start: () => solo.start(),
    close: async () => solo.close(),
  };
}

const byTimeout: Schedule = (action, delayMs) => {
  const timer = setTimeout(action, delayMs);
  return () => clearTimeout(timer);
};
