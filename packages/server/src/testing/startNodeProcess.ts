/** @file Starts a node of a shared network in a process of its own and waits for what it says. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { NodeChanges } from './nodeProcess.js';

export interface NodeProcess {
  /** Resolves once it has printed the line. */
  said(line: 'open' | 'leading'): Promise<void>;
  /** SIGKILL, and waits for its end. */
  kill(): Promise<void>;
}

export function startNodeProcess(dir: string, changes: NodeChanges): NodeProcess {
  const script = fileURLToPath(new URL('./nodeProcess.js', import.meta.url));
  const child: ChildProcess = spawn(process.execPath, [script, dir, JSON.stringify(changes)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const heard = new Set<string>();
  const listeners = new Set<() => void>();
  child.stdout?.on('data', (chunk: Buffer) => {
    for (const line of String(chunk).split('\n')) heard.add(line);
    for (const listener of listeners) listener();
  });
  return {
    said: (line) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (heard.has(line)) resolve();
        };
        listeners.add(look);
        look();
        void ended.then(() => reject(new Error(`the node ended before it said "${line}"`)));
      }),
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
