/** @file A short hunt of the chain fuzzer with a fixed seed: it finds nothing, and it does get past the first checks. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chainFuzzer } from './chain.js';

test('a hunt through a few hundred inputs finds nothing and reaches the decoders', async () => {
  const { inputs, outcomes, findings } = await chainFuzzer.run({
    seed: 'test',
    untilMs: Number.POSITIVE_INFINITY,
    inputs: 900,
  });
  assert.deepEqual(findings, []);
  assert.equal(inputs, 900);
  for (const outcome of [
    'extrinsic valid',
    'extrinsic Call',
    'extrinsic BadProof',
    'rpc answered',
    'rpc -32602',
    'abci refused',
  ])
    assert.ok((outcomes.get(outcome) ?? 0) > 0, `${outcome}: ${JSON.stringify([...outcomes])}`);
});
