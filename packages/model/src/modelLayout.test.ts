/** @file The layout: order, names and offsets that others rely on. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { modelLayout } from './modelLayout.js';
import { presets, resolveModel } from './presets.js';
import { allWeightInputs, weightInputs } from './transformer.js';

test('tensors follow one another without gaps, under unique names', () => {
  const { tensors, size } = modelLayout(presets.nano);
  let end = 0;
  for (const tensor of tensors) {
    assert.equal(tensor.offset, end, tensor.name);
    end += tensor.size;
  }
  assert.equal(end, size);
  assert.equal(new Set(tensors.map(({ name }) => name)).size, tensors.length);
  assert.equal(tensors.length, 9 * presets.nano.layers + 3);
});

test('a block, in the names and the orientation of transformers', () => {
  const { tensors } = modelLayout(resolveModel('nano', { layers: 1, vocab: 1024 }));
  assert.deepEqual(
    tensors.map(({ name, shape }) => [name, shape]),
    [
      ['model.embed_tokens.weight', [1024, 128]],
      ['model.layers.0.input_layernorm.weight', [128]],
      ['model.layers.0.self_attn.q_proj.weight', [128, 128]],
      ['model.layers.0.self_attn.k_proj.weight', [64, 128]],
      ['model.layers.0.self_attn.v_proj.weight', [64, 128]],
      ['model.layers.0.self_attn.o_proj.weight', [128, 128]],
      ['model.layers.0.post_attention_layernorm.weight', [128]],
      ['model.layers.0.mlp.gate_proj.weight', [384, 128]],
      ['model.layers.0.mlp.up_proj.weight', [384, 128]],
      ['model.layers.0.mlp.down_proj.weight', [128, 384]],
      ['model.norm.weight', [128]],
      ['lm_head.weight', [1024, 128]],
    ],
  );
});

test('the inputs of the graph cover the flat vector once, in order', () => {
  let end = 0;
  for (const { offset, size } of allWeightInputs(weightInputs(presets.tiny))) {
    assert.equal(offset, end);
    end += size;
  }
  assert.equal(end, modelLayout(presets.tiny).size);
});
