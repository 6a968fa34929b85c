/** @file Presets: exact sizes, exact numbers, refusals. SPEC MODEL-1 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parameterCount } from './modelLayout.js';
import { type PresetName, presets, resolveModel } from './presets.js';

test('MODEL-1: Alice-7B has exactly these dimensions and 6.18 billion parameters', () => {
  assert.deepEqual(presets['7b'], {
    name: '7b',
    layers: 32,
    width: 4096,
    heads: 32,
    kvHeads: 8,
    ffn: 11_264,
    context: 4096,
    vocab: 50_257,
    ropeTheta: 10_000,
    normEps: 1e-5,
  });
  // 2·50257·4096 (embedding, head) + 32·(4096·(2·4096 + 2·1024) + 3·4096·11264 + 2·4096) + 4096
  assert.equal(parameterCount(presets['7b']), 6_183_333_888);
});

test('the other presets have the sizes their names promise', () => {
  const counts = Object.fromEntries(
    (Object.keys(presets) as PresetName[]).map((name) => [name, parameterCount(presets[name])]),
  );
  assert.deepEqual(counts, {
    nano: 1_836_160,
    tiny: 8_621_312,
    '100m': 152_711_424,
    '1b': 1_107_712_000,
    '7b': 6_183_333_888,
  });
});

test('every preset is one a transformer can have', () => {
  for (const name of Object.keys(presets)) assert.equal(resolveModel(name).name, name);
});

test('overrides replace numbers, and only fitting ones', () => {
  assert.equal(resolveModel('nano', { vocab: 2048 }).vocab, 2048);
  const refused: readonly (readonly [Parameters<typeof resolveModel>[1], string])[] = [
    [{ heads: 3 }, 'width'],
    [{ kvHeads: 3 }, 'kvHeads'],
    [{ vocab: 65_537 }, 'vocab'],
    [{ layers: 0 }, 'layers'],
    [{ width: 128.5 }, 'width'],
    [{ normEps: 0 }, 'normEps'],
  ];
  for (const [overrides, field] of refused)
    assert.throws(
      () => resolveModel('nano', overrides),
      (error: unknown) => {
        const { info } = error as { info: { code: string; field: string } };
        return info.code === 'CONFIG_INVALID' && info.field === field;
      },
      field,
    );
});

test('an unknown preset is refused with the known ones', () => {
  assert.throws(() => resolveModel('toString'), {
    info: { code: 'PRESET_UNKNOWN', preset: 'toString', known: ['nano', 'tiny', '100m', '1b', '7b'] },
  });
});
