/**
 * @file Keeps a process running as a service manager does: whatever ends it, it is started again, until it is stopped. Each
 * line it prints is handed on; `up`, perhaps with an address behind it, says that it works.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Supervised {
  readonly name: string;
  /** The address it printed; undefined while it is down. */
  readonly url: string | undefined;
  /** Resolves when it works. */
  up(): Promise<void>;
  /** SIGKILL; it starts again by itself. */
  kill(): void;
  /** SIGKILL; it stays down until `resume`. */
  stop(): Promise<void>;
  resume(): void;
}

export interface SuperviseOptions {
  readonly name: string;
  /** File beside this one. */
  readonly script: string;
  readonly settings: unknown;
  /** Folder for what it writes to stderr, as `NAME.log`. */
  readonly logs: string;
  readonly onLine?: (line: string) => void;
  /** Of Node itself. */
  readonly nodeOptions?: readonly string[];
}

const PAUSE_MS = 200;

export function supervise(options: SuperviseOptions): Supervised {
  const { name, script, settings, logs, onLine, nodeOptions = [] } = options;
  const words = [...nodeOptions, fileURLToPath(new URL(script, import.meta.url)), JSON.stringify(settings)];
  const log = openSync(join(logs, `${name}.log`), 'a');
  let child: ChildProcess | undefined;
  let url: string | undefined;
  let isUp = false;
  let isStopped = false;
  const waiting = new Set<() => void>();

  const hear = (line: string): void => {
    const [first, address] = line.split(' ');
    if (first !== 'up') {
      onLine?.(line);
      return;
    }
    isUp = true;
    url = address;
    for (const resolve of waiting) resolve();
    waiting.clear();
  };
  const start = (): void => {
    if (isStopped) return;
    const started = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', log] });
    child = started;
    let text = '';
    started.stdout?.on('data', (chunk: Buffer) => {
      const lines = (text + chunk).split('\n');
      text = lines.pop()!;
      for (const line of lines) hear(line);
    });
    started.once('exit', () => {
      isUp = false;
      url = undefined;
      if (!isStopped) setTimeout(start, PAUSE_MS);
    });
  };
  start();
  return {
    name,
    get url() {
      return url;
    },
    up: () => (isUp ? Promise.resolve() : new Promise((resolve) => waiting.add(resolve))),
    kill: () => void child?.kill('SIGKILL'),
    async stop() {
      isStopped = true;
      const last = child;
      if (!last || last.exitCode !== null || last.signalCode !== null) return;
      const gone = new Promise((resolve) => last.once('exit', resolve));
      last.kill('SIGKILL');
      await gone;
    },
    resume() {
      if (!isStopped) return;
      isStopped = false;
      start();
    },
  };
}
