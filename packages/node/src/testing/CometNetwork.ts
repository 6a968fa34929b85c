/**
 * @file A real network on loopback for tests: every validator is a process with its own `cometbft` program. They can be
 * killed with everything they run, and started again on what they left on disk.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseChainSpec } from '../chainSpec.js';
import { cometNodeId, withSetting } from '../comet/cometHome.js';
import { prepareLocalNetwork } from '../comet/localNetwork.js';
import { CuttableLinks } from './CuttableLinks.js';
import type { NetworkNamespaces } from './NetworkNamespaces.js';
import type { CometNodeArguments } from './runCometNode.js';
import { testSpec } from './testNetwork.js';

export class NetworkNode {
  #arguments: CometNodeArguments;
  #child: ChildProcess | undefined;
  #url = '';

  constructor(given: CometNodeArguments) {
    this.#arguments = given;
  }

  /** What it is started with. */
  get given(): CometNodeArguments {
    return this.#arguments;
  }

  get cometRpcUrl(): string {
    return this.#arguments.program.rpcAddress.replace('tcp:', 'http:');
  }

  get url(): string {
    return this.#url;
  }

  /** Starts node and CometBFT; `change` holds from this start on. */
  async start(change: Partial<CometNodeArguments> = {}): Promise<void> {
    this.#arguments = { ...this.#arguments, ...change };
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

  /** Resolves when the node has ended by itself. */
  async ended(): Promise<void> {
    const child = this.#child!;
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
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
  const validators = await prepareLocalNetwork({ bin, dir, count, spec: () => parseChainSpec(testSpec()) });
  return validators.map(
    ({ chainDir, program, genesisFile }) => new NetworkNode({ dir: chainDir, program, genesisFile }),
  );
}

/** The same, with every connection between two validators over a link that can be cut. */
export async function prepareCuttableNetwork(
  bin: string,
  dir: string,
  count: number,
): Promise<{ nodes: NetworkNode[]; links: CuttableLinks }> {
  const validators = await prepareLocalNetwork({ bin, dir, count, spec: () => parseChainSpec(testSpec()) });
  const links = await CuttableLinks.between(
    validators.map(({ program }) => Number(new URL(program.p2pAddress).port)),
  );
  const ids = await Promise.all(validators.map(({ program }) => cometNodeId(program)));
  const nodes = validators.map(({ chainDir, program, genesisFile }, from) => {
    stayOnLinks(program.home);
    const peers = ids.map((id, to) => (to === from ? '' : `${id}@127.0.0.1:${links.port(from, to)}`));
    const persistentPeers = peers.filter((peer) => peer !== '').join(',');
    return new NetworkNode({ dir: chainDir, program: { ...program, persistentPeers }, genesisFile });
  });
  return { nodes, links };
}

/** The same, with every CometBFT in a network namespace of its own. */
export async function prepareNamespacedNetwork(
  { bin, dir, count }: { readonly bin: string; readonly dir: string; readonly count: number },
  namespaces: NetworkNamespaces,
): Promise<NetworkNode[]> {
  const validators = await prepareLocalNetwork({ bin, dir, count, spec: () => parseChainSpec(testSpec()) });
  const ids = await Promise.all(validators.map(({ program }) => cometNodeId(program)));
  return validators.map(({ chainDir, program: { home }, genesisFile }, i) => {
    stayOnLinks(home);
    const peers = ids.map((id, to) => `${id}@${namespaces.peerAddress(to)}`).filter((_, to) => to !== i);
    const program = {
      ...{ bin: namespaces.programIn(i, bin, dir), home, persistentPeers: peers.join(',') },
      ...{ p2pAddress: `tcp://${namespaces.peerAddress(i)}`, rpcAddress: namespaces.rpcAddress(i) },
    };
    return new NetworkNode({ dir: chainDir, program, genesisFile });
  });
}

/** Peers must not tell each other ways around the links. */
function stayOnLinks(home: string): void {
  const file = join(home, 'config', 'config.toml');
  writeFileSync(file, withSetting(readFileSync(file, 'utf8'), '[p2p]', 'pex = false'));
}
