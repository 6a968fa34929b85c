/** @file Initial weights: reproducible, and distributed as they should be. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesOf, sha256Hex } from '@alice/protocol';
import { initParameters } from './initParameters.js';
import { modelLayout } from './modelLayout.js';
import { resolveModel } from './presets.js';

const config = resolveModel('nano', { vocab: 1024 });

test('the same seed gives the same bits, another seed others', () => {
  const hash = (seed: string): string => sha256Hex(bytesOf(initParameters(config, seed)));
  assert.equal(hash('a'), hash('a'));
  assert.notEqual(hash('a'), hash('b'));
});

test('standard deviations: 0.02, less by 1/√(2L) where a projection writes to the residual stream; norms 1', () => {
  const parameters = initParameters(config, 'spread');
  for (const { name, shape, offset, size } of modelLayout(config).tensors) {
    const view = parameters.subarray(offset, offset + size);
    if (shape.length === 1) {
      assert.ok(
        view.every((value) => value === 1),
        name,
      );
      continue;
    }
    const want = /o_proj|down_proj/.test(name) ? 0.02 / Math.sqrt(8) : 0.02;
    const mean = view.reduce((sum, value) => sum + value, 0) / size;
    const std = Math.sqrt(view.reduce((sum, value) => sum + (value - mean) ** 2, 0) / size);
    // Five standard errors of the estimate.
    assert.ok(Math.abs(std / want - 1) < 5 / Math.sqrt(2 * size), `${name}: std ${std}, want ${want}`);
    assert.ok(Math.abs(mean) < (5 * want) / Math.sqrt(size), `${name}: mean ${mean}`);
  }
});

test('a tensor does not depend on the rest of the model', () => {
  const small = initParameters(resolveModel('nano', { vocab: 1024, layers: 4, context: 64 }), 's');
  assert.deepEqual(small, initParameters(config, 's'));
  const other = resolveModel('nano', { vocab: 2048 });
  const at = (c: typeof config): number =>
    modelLayout(c).tensors.find(({ name }) => name === 'model.layers.2.mlp.gate_proj.weight')!.offset;
  assert.equal(initParameters(config, 's')[at(config)], initParameters(other, 's')[at(other)]);
});
