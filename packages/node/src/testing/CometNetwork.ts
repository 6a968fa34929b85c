/**
 * @file A real network on loopback for tests: every validator is a process with its own `cometbft` program. They can be
 * killed with everything they run, and started again on what they left on disk.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseChainSpec } from '../chainSpec.js';
import type { CometProgram } from '../comet/CometProcess.js';
import { cometGenesis, cometNodeId, initCometHome, validatorOf } from '../comet/cometHome.js';
import type { CometNodeArguments } from './runCometNode.js';
import { testSpec } from './testNetwork.js';

/** The program named by ALICE_COMETBFT, else the one in PATH; `undefined` when there is none. */
export function findCometbft(): string | undefined {
  const bin = process.env['ALICE_COMETBFT'] ?? 'cometbft';
  try {
    execFileSync(bin, ['version'], { stdio: 'ignore' });
    return bin;
  } catch {
    return undefined;
  }
}

export class NetworkNode {
  readonly #arguments: CometNodeArguments;
  #child: ChildProcess | undefined;
  #url = '';

  constructor(given: CometNodeArguments) {
    this.#arguments = given;
  }

  get cometRpcUrl(): string {
    return this.#arguments.program.rpcAddress.replace('tcp:', 'http:');
  }

  get url(): string {
    return this.#url;
  }

  async start(): Promise<void> {
    const script = fileURLToPath(new URL('./runCometNode.js', import.meta.url));
    // A group of its own, so that CometBFT dies with it.
    const child = spawn(process.execPath, [script, JSON.stringify(this.#arguments)], {
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true,
    });
    this.#child = child;
    const [url] = (await once(createInterface({ input: child.stdout! }), 'line')) as [string];
    this.#url = url.replace('ws:', 'http:');
  }

  /** Ends node and CometBFT; -9 gives neither a chance to write anything. */
  async kill(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    process.kill(signal === 'SIGKILL' ? -child.pid! : child.pid!, signal);
    await exited;
  }

  async ask<T>(method: string, ...params: unknown[]): Promise<T> {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
    const reply = (await (await fetch(this.#url, { method: 'POST', body })).json()) as {
      result: T;
      error?: { message: string; data?: string };
    };
    if (reply.error) throw new Error(`${method}: ${reply.error.message} ${reply.error.data ?? ''}`);
    return reply.result;
  }

  async height(): Promise<number> {
    return (await this.ask<{ headNumber: number }>('alice_health')).headNumber;
  }
}

/** Makes keys and one genesis for `count` validators; nothing runs yet. */
export async function prepareNetwork(bin: string, dir: string, count: number): Promise<NetworkNode[]> {
  const spec = parseChainSpec(testSpec());
  const homes = Array.from({ length: count }, (_, i) => join(dir, `v${i}`, 'comet'));
  for (const home of homes) await initCometHome({ bin, home });
  const genesisFile = join(dir, 'genesis.json');
  writeFileSync(
    genesisFile,
    cometGenesis(
      spec,
      homes.map((home, i) => validatorOf(home, `v${i}`)),
    ),
  );
  const ids = await Promise.all(homes.map((home) => cometNodeId({ bin, home })));
  const ports = await freePorts(2 * count);
  return homes.map((home, i) => {
    const peers = ids.map((id, at) => `${id}@127.0.0.1:${ports[at]}`).filter((_, at) => at !== i);
    const program: CometProgram = {
      ...{ bin, home, persistentPeers: peers.join(',') },
      ...{ p2pAddress: `tcp://127.0.0.1:${ports[i]}`, rpcAddress: `tcp://127.0.0.1:${ports[count + i]}` },
    };
    const nodeDir = join(dir, `v${i}`, 'chain');
    mkdirSync(nodeDir, { recursive: true });
    return new NetworkNode({ dir: nodeDir, program, genesisFile });
  });
}

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  for (const server of servers) server.close();
  return ports;
}
