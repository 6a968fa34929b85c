/** @file A real chain node in its own process, with money for one account; for end-to-end tests only. */
import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const COMMAND = fileURLToPath(new URL('../../../cli/dist/main.js', import.meta.url));
const BLOCK_MS = 500;

export interface ChainNode {
  readonly ws: string;
  readonly genesisHash: string;
  start(): Promise<void>;
  stop(): Promise<void>;
}

export interface ChainNodeOptions {
  readonly dir: string;
  /** Its address has all the money, and reports epochs. */
  readonly rich: string;
  readonly planck: bigint;
  /** More options of `alice node`. */
  readonly flags?: readonly string[];
}

/** The same folder and port at every start, so the chain goes on. */
export async function chainNode({ dir, rich, planck, flags = [] }: ChainNodeOptions): Promise<ChainNode> {
  const port = await freePort();
  const spec = join(dir, 'chain-spec.json');
  writeFileSync(
    spec,
    JSON.stringify({
      chainName: 'web-test',
      timestampMs: Date.now(),
      balances: [{ address: rich, planck: String(planck) }],
      parameterServer: rich,
      feeCollector: rich,
    }),
  );
  let child: ChildProcess | undefined;
  const options = [
    '--spec',
    spec,
    '--dir',
    join(dir, 'chain'),
    '--port',
    `${port}`,
    '--block-ms',
    `${BLOCK_MS}`,
    ...flags,
  ];
  const start = async (): Promise<void> => {
    child = spawn(process.execPath, [COMMAND, 'node', ...options], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    await untilItAnswers(port, child);
  };
  const stop = async (): Promise<void> => {
    if (!child || child.exitCode !== null) return;
    const ended = new Promise((resolve) => child!.once('exit', resolve));
    child.kill('SIGTERM');
    await ended;
  };
  await start();
  const genesisHash = String(await ask(port, 'chain_getBlockHash', [0]));
  return { ws: `ws://127.0.0.1:${port}`, genesisHash, start, stop };
}

async function untilItAnswers(port: number, child: ChildProcess): Promise<void> {
  while (child.exitCode === null) {
    try {
      await ask(port, 'system_name', []);
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  throw new Error(`the node ended with code ${child.exitCode}`);
}

async function ask(port: number, method: string, params: readonly unknown[]): Promise<unknown> {
  const answer = await fetch(`http://127.0.0.1:${port}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  });
  return ((await answer.json()) as { result: unknown }).result;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
