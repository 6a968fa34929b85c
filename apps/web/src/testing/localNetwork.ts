/** @file A whole network as `alice up` starts it, in processes of its own; for end-to-end tests only. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from './chainNode.js';

const COMMAND = fileURLToPath(new URL('../../../cli/dist/main.js', import.meta.url));

export interface LocalNetwork {
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * Starts it on free ports and resolves once its page is served. Throws with its output when it ends before. Ports of its own
 * at the first start: the standard ones belong to whichever network of another test starts, or is killed and starts, meanwhile.
 */
export async function localNetwork(dir: string, ...options: readonly string[]): Promise<LocalNetwork> {
  const isNew = !existsSync(join(dir, 'running.json'));
  const ports = isNew ? ['--port', String(await freePort()), '--rpc-port', String(await freePort())] : [];
  const child = spawn(process.execPath, [COMMAND, 'up', '--dir', dir, ...ports, ...options], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NO_COLOR: '1' },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (part: Buffer) => (output += part.toString('utf8')));
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const url = await pageUrl(dir, child, () => output);
  return {
    url,
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

async function pageUrl(dir: string, child: ChildProcess, output: () => string): Promise<string> {
  for (;;) {
    if (child.exitCode !== null) throw new Error(`the network ended:\n${output()}`);
    const url = output().includes('status page') ? addressIn(dir) : undefined;
    if (url !== undefined) return url;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function addressIn(dir: string): string | undefined {
  const file = join(dir, 'running.json');
  if (!existsSync(file)) return undefined;
  const { serverPort } = JSON.parse(readFileSync(file, 'utf8')) as { serverPort: number };
  return `http://127.0.0.1:${serverPort}/`;
}
