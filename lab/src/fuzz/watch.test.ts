/** @file The watch beside a fuzzer: names the input that is slow, kills the process of one that never ends, and lets the rest be. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { hunt } from './hunt.js';
import { watchInputs } from './watch.js';

test('an input is named while it still runs', async () => {
  const watch = await watchInputs(30, 'slow');
  try {
    watch.count();
    watch.count();
    while (watch.slow() === undefined); // were it not named, the watch would kill this process
    assert.equal(watch.slow(), 2);
  } finally {
    await watch.stop();
  }
});

test('an input that never ends is named and takes its process with it', () => {
  const script = `
    import { watchInputs } from ${JSON.stringify(new URL('./watch.js', import.meta.url))};
    const watch = await watchInputs(10, 'endless, seed x');
    watch.count();
    for (;;);`;
  const { signal, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
  });
  assert.equal(signal, 'SIGKILL');
  assert.equal(stderr, 'FUZZ_FINDING: endless, seed x: input 1 does not end\n');
});

test('a hunt ends at its first finding, and counts what inputs ended in', async () => {
  const bounds = { untilMs: Number.POSITIVE_INFINITY, inputs: 10, tooLongMs: 60_000, name: 'test' };
  const attempt = (found: (what: string) => void, input: number): string => {
    if (input === 5) found('five');
    return input % 2 === 0 ? 'even' : 'odd';
  };
  const { inputs, outcomes, findings } = await hunt(attempt, bounds);
  assert.equal(inputs, 6);
  assert.deepEqual(findings, ['five']);
  assert.deepEqual(Object.fromEntries(outcomes), { even: 3, odd: 3 });
});
