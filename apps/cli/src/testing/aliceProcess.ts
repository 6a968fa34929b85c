/** @file The `alice` command in a process of its own, for tests that use it as a person does: start, listen, wait, stop. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export interface AliceProcess {
  readonly process: ChildProcess;
  readonly closed: Promise<number | null>;
  /** Everything it has printed. */
  output(): string;
  /** What it has printed to standard output alone. */
  answer(): string;
  /** The address in a log line, once it has been printed. */
  url(message: string): Promise<string>;
  /** SIGINT, and waits for its end. */
  stop(): Promise<void>;
  /** SIGKILL, and waits for its end. */
  kill(): Promise<void>;
}

const entry = fileURLToPath(new URL('../main.js', import.meta.url));

export function startAlice(args: readonly string[], env: Record<string, string> = {}): AliceProcess {
  const child = spawn(process.execPath, ['--enable-source-maps', entry, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NO_COLOR: '1', ...env },
  });
  let text = '';
  let answer = '';
  child.stdout.on('data', (chunk: Buffer) => {
    answer += chunk.toString('utf8');
    text += chunk.toString('utf8');
  });
  child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
  const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    await closed;
  };
  const run: AliceProcess = {
    process: child,
    closed,
    output: () => text,
    answer: () => answer,
    url: (message) =>
      until(`"${message}"`, { seconds: 600, run }, () => {
        const line = text.split('\n').find((candidate) => candidate.includes(message));
        return /"url":"([^"]+)"/.exec(line ?? '')?.[1];
      }),
    stop: () => end('SIGINT'),
    kill: () => end('SIGKILL'),
  };
  return run;
}

/** Runs a command to its end. Fails when it fails; returns what it answered. */
export async function runAlice(args: readonly string[], env: Record<string, string> = {}): Promise<string> {
  const run = startAlice(args, env);
  assert.equal(await run.closed, 0, `alice ${args.join(' ')}\n${run.output()}`);
  return run.answer();
}

/** Asks until the answer is there; fails with what it was waiting for, or as soon as the process has ended. */
export async function until<T>(
  what: string,
  { seconds, run }: { seconds: number; run?: AliceProcess },
  ask: () => Promise<T | undefined | false> | T | undefined | false,
): Promise<T> {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    const { exitCode = null, signalCode = null } = run?.process ?? {};
    assert.ok((exitCode ?? signalCode) === null, `ended while waiting for ${what}:\n${run?.output()}`);
    assert.ok(Date.now() < end, `still waiting for ${what} after ${seconds} s:\n${run?.output() ?? ''}`);
    await sleep(250);
  }
}
