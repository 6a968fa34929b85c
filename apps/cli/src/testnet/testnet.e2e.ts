/**
 * @file `alice testnet` as a person uses it: it starts, survives a killed validator, stops on Ctrl-C and goes on from
 * where it was. Skipped where no `cometbft` program is found.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { findCometbft } from '@alice/node';

const bin = findCometbft();
const options = bin
  ? {}
  : { skip: 'no cometbft program: give its path in ALICE_COMETBFT, or put it into PATH' };
const dir = mkdtempSync(join(tmpdir(), 'alice-testnet-'));
const main = fileURLToPath(new URL('../main.js', import.meta.url));
let running: ChildProcess | undefined;

after(async () => {
  if (running && running.exitCode === null && running.signalCode === null) {
    const ended = once(running, 'exit');
    running.kill('SIGINT');
    await ended;
  }
  rmSync(dir, { recursive: true, force: true });
});

interface Line {
  readonly type: string;
  readonly pids?: Record<string, number>;
  readonly validators: readonly { readonly name: string; readonly height?: number }[];
}

/** Starts the command; `next` gives its lines one after the other. */
function start(...more: string[]): { next(): Promise<Line | undefined>; ended: Promise<number | null> } {
  const args = ['testnet', '--dir', dir, '--block-ms', '300', '--json', '--cometbft-bin', bin!, ...more];
  const child = spawn(process.execPath, ['--enable-source-maps', main, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  running = child;
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  const next = async (): Promise<Line | undefined> => {
    const { value, done } = await lines.next();
    return done ? undefined : (JSON.parse(value as string) as Line);
  };
  return { next, ended: once(child, 'exit').then(([code]) => code as number | null) };
}

const heightsOf = (line: Line): number[] => line.validators.map(({ height }) => height ?? -1);

test('starts, bears a killed validator, stops on Ctrl-C, and goes on where it was', options, async () => {
  const first = start();
  const ready = (await first.next())!;
  assert.deepEqual([ready.type, ready.validators.length], ['ready', 4]);
  const until = async (of: typeof first, holds: (heights: number[]) => boolean): Promise<number[]> => {
    for (;;) {
      const line = await of.next();
      assert.ok(line, 'the command ended too early');
      if (line.type === 'heights' && holds(heightsOf(line))) return heightsOf(line);
    }
  };
  await until(first, (heights) => Math.min(...heights) >= 2);
  process.kill(ready.pids!['v2']!, 'SIGKILL');
  await until(first, (heights) => heights[2] === -1);
  const top = Math.max(...(await until(first, () => true)));
  await until(first, (heights) => Math.min(...heights) >= top + 2);
  running!.kill('SIGINT');
  let last: number[] = [];
  for (let line = await first.next(); line; line = await first.next()) last = heightsOf(line);
  assert.equal(await first.ended, 0);

  const goal = Math.max(top, ...last) + 3;
  const second = start('--blocks', String(goal));
  assert.equal((await second.next())!.type, 'ready');
  const begun = heightsOf((await second.next())!);
  assert.ok(Math.min(...begun) >= top, 'nothing was lost');
  assert.equal(await second.ended, 0, 'stops by itself at the block it was told');
});
