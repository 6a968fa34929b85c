/** @file The wire fuzzer, briefly: no finding, equal seeds try equal inputs, and its allocation counter counts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countAllocations, takeCount } from './allocations.js';
import { wireFuzzer } from './wire.js';

const briefly = { seed: 'ci', untilMs: Number.POSITIVE_INFINITY, inputs: 8000 };

test('eight thousand inputs without a finding, most of them past the header', async () => {
  const { inputs, outcomes, findings } = await wireFuzzer.run(briefly);
  assert.deepEqual(findings, []);
  assert.equal(inputs, briefly.inputs);
  for (const outcome of [
    ...['v2 accepted', 'v2 WIRE_INFLATE_INVALID', 'v2 WIRE_INDEX_RANGE', 'v2 WIRE_CHECKSUM'],
    ...['v3 accepted', 'v3 WIRE_NOT_CANONICAL', 'v3 WIRE_TRUNCATED', 'v3 WIRE_COUNT'],
  ])
    assert.ok(outcomes.get(outcome)! > 10, `${outcome}: ${outcomes.get(outcome)}`);
  const once = await wireFuzzer.run({ ...briefly, inputs: 300 });
  assert.deepEqual(await wireFuzzer.run({ ...briefly, inputs: 300 }), once);
});

test('computed lengths are counted, views are not', () => {
  const restore = countAllocations();
  try {
    takeCount();
    const taken = new Float32Array(1000);
    assert.equal(takeCount(), 4000);
    assert.equal(new Uint8Array(taken.buffer, 8, 16).length, 16);
    assert.equal(takeCount(), 0);
    assert.ok(taken instanceof Float32Array);
  } finally {
    restore();
  }
});
