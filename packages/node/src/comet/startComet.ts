/**
 * @file The CometBFT engine with everything it needs around it: the ABCI socket, the way back to CometBFT's RPC, and
 * the program itself where this node is to run it.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { HexString, Logger } from '@alice/protocol';
import type { Runtime } from '@alice/runtime';
import { type AbciServer, startAbciServer } from '../abci/AbciServer.js';
import type { Chain } from '../Chain.js';
import type { ChainSpec } from '../chainSpec.js';
import type { Schedule } from '../engine/Announcer.js';
import type { Clock } from '../engine/interface.js';
import type { SignatureDesk } from '../signatures/SignatureDesk.js';
import { CometBroadcast } from './CometBroadcast.js';
import { CometEngine } from './CometEngine.js';
import { CometProcess, type CometProgram } from './CometProcess.js';
import { cometChainId } from './cometChainId.js';
import {
  cometGenesis,
  initCometHome,
  type StateSyncChoice,
  validatorOf,
  writeCometGenesis,
  writeCometSettings,
  writeStateSyncSettings,
} from './cometHome.js';
import { withFreePort } from './freePorts.js';

/** How a node and its CometBFT find each other. */
export interface CometChoice {
  readonly kind: 'cometbft';
  /** Where this node listens for CometBFT; default: a socket in the node's directory, or a free local port. */
  readonly abciAddress?: string;
  /** CometBFT's RPC, `http://host:port`; without it transactions wait for this node's own proposals. */
  readonly rpcUrl?: string;
  /** The program to run; without it someone else starts CometBFT with this node as its `proxy_app`. */
  readonly program?: CometProgram;
  /** CometBFT's genesis file of a chain with several validators; default: this node is the only one. */
  readonly genesisFile?: string;
  /** Blocks from one snapshot to the next, for other nodes to start from; default 1000, 0 takes none. */
  readonly snapshotEveryBlocks?: number;
  /** Start from a snapshot of other nodes instead of from block 1; only a new node does. */
  readonly stateSync?: StateSyncChoice;
}

export interface CometParts {
  readonly chain: Chain;
  readonly runtime: Runtime;
  readonly signatures: SignatureDesk;
  readonly spec: ChainSpec;
  readonly dir: string;
  readonly log: Logger;
  readonly blockTimeMs: number;
  readonly clock: Clock;
  readonly schedule: Schedule;
  onFatal(error: Error): void;
}

export interface RunningComet {
  readonly engine: CometEngine;
  readonly abciAddress: string;
  /** CometBFT's own RPC, `http://host:port`, where it is known. */
  readonly rpcUrl: string | undefined;
  /** Starts the program, if there is one; call it when the node serves. */
  start(): void;
  close(): Promise<void>;
}

const DEFAULT_SNAPSHOT_BLOCKS = 1000;
/** Unix socket paths are limited to about a hundred bytes. */
const LONGEST_SOCKET_PATH = 100;

/** Throws `COMET_FAILED`, `COMET_GENESIS`, and what listening throws. */
export async function startComet(choice: CometChoice, parts: CometParts): Promise<RunningComet> {
  const program = choice.program && {
    ...choice.program,
    rpcAddress: await withFreePort(choice.program.rpcAddress),
  };
  if (program) await prepareHome(choice, program, parts);
  const url = choice.rpcUrl ?? program?.rpcAddress.replace(/^tcp:/, 'http:');
  const isWaiting = (hash: HexString): boolean => engine.statusOf(hash).status === 'pool';
  const broadcast = url === undefined ? undefined : new CometBroadcast({ url, log: parts.log, isWaiting });
  const engine = new CometEngine({
    ...parts,
    chainId: cometChainId(parts.spec),
    snapshots: {
      dir: join(parts.dir, 'snapshots'),
      everyBlocks: choice.snapshotEveryBlocks ?? DEFAULT_SNAPSHOT_BLOCKS,
    },
    ...(broadcast ? { broadcast } : {}),
  });
  const server = await listen(choice, engine, parts);
  const process = program && new CometProcess(program, server.address, parts.log);
  const close = async (): Promise<void> => {
    await process?.close();
    await server.close();
    engine.close();
    await engine.settled();
  };
  return { engine, abciAddress: server.address, rpcUrl: url, start: () => process?.start(), close };
}

async function prepareHome(choice: CometChoice, program: CometProgram, parts: CometParts): Promise<void> {
  const { spec, blockTimeMs } = parts;
  await initCometHome(program);
  const genesis = choice.genesisFile
    ? readFileSync(choice.genesisFile, 'utf8')
    : cometGenesis(spec, [validatorOf(program.home, 'alice')]);
  writeCometGenesis(program.home, genesis);
  writeCometSettings(program.home, { blockTimeMs });
  writeStateSyncSettings(program.home, choice.stateSync);
}

function listen(choice: CometChoice, engine: CometEngine, parts: CometParts): Promise<AbciServer> {
  const { log, dir, onFatal } = parts;
  const address = choice.abciAddress ?? defaultAddress(dir);
  if (address.startsWith('unix://')) {
    const path = address.slice('unix://'.length);
    if (existsSync(path)) rmSync(path); // left by a killed node; the directory is locked by us
  }
  return startAbciServer({ application: engine.application, address, log, onFatal });
}

function defaultAddress(dir: string): string {
  const path = join(dir, 'abci.sock');
  if (path.length <= LONGEST_SOCKET_PATH) return `unix://${path}`;
  return 'tcp://127.0.0.1:0';
}
