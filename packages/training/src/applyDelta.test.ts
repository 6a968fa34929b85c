import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorCodeOf, layoutOf } from '@alice/protocol';
import fc from 'fast-check';
import { applyDelta } from './applyDelta.js';
import { denseDelta, flattenDelta } from './flatDelta.js';
import { normalVector } from './testing/vectors.js';

const quadraticLoss = (x: Float32Array, target: Float32Array) =>
  x.reduce((sum, value, i) => sum + (value - target[i]!) ** 2 / 2, 0);

test('a descent delta lowers a quadratic loss and its negation raises it, dense and sparse', () => {
  const layout = layoutOf([
    ['a', [10]],
    ['b', [30]],
  ]);
  const target = normalVector('target', 40);
  const step = Float32Array.from(target, (t) => 0.1 * t); // from zero, −gradient is the target itself
  const sparse = flattenDelta(
    {
      tensors: [{ tensor: 1, indices: Uint32Array.of(2, 17), values: Float32Array.of(step[12]!, step[27]!) }],
    },
    layout,
  );
  assert.deepEqual([...sparse.indices!], [12, 27]);
  for (const [name, delta] of Object.entries({ dense: denseDelta(step), sparse })) {
    const at = (scale: number) => {
      const x = new Float32Array(40);
      applyDelta(x, delta, scale);
      return quadraticLoss(x, target);
    };
    assert.ok(at(1) < at(0), `${name}: the delta descends`);
    assert.ok(at(-1) > at(0), `${name}: its negation ascends`);
    assert.ok(at(0.25) < at(0) && at(0.25) > at(1), `${name}: a quarter step gains less`);
  }
});

test('the count of changed elements is exact, also below one ulp', () => {
  const parameters = Float32Array.of(1, 1, 1, 0);
  assert.equal(applyDelta(parameters, denseDelta(Float32Array.of(1e-9, 0.5, 0, 1e-9)), 1), 2);
  assert.deepEqual([...parameters], [1, 1.5, 1, Math.fround(1e-9)]);
});

test('the sparse and the dense form of a delta give the same bits', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.nat(49), { minLength: 1 }),
      fc.float({ noNaN: true, min: -4, max: 4 }),
      (picked, scale) => {
        const layout = layoutOf([['t', [50]]]);
        const indices = Uint32Array.from(picked.sort((a, b) => a - b));
        const values = Float32Array.from(indices, (i) => Math.sin(i + 1));
        const dense = new Float32Array(50);
        for (const [i, index] of indices.entries()) dense[index] = values[i]!;
        const [x, y] = [normalVector('x', 50), normalVector('x', 50)];
        applyDelta(x, flattenDelta({ tensors: [{ tensor: 0, indices, values }] }, layout), scale);
        applyDelta(y, denseDelta(dense), scale);
        assert.deepEqual(x, y);
      },
    ),
  );
});

test('a delta outside the model, out of order or not finite is refused with its place', () => {
  const layout = layoutOf([
    ['a', [4]],
    ['b', [4]],
  ]);
  const entry = (tensor: number, indices: number[], values: number[]) => ({
    tensor,
    indices: Uint32Array.from(indices),
    values: Float32Array.from(values),
  });
  const bad = {
    'unknown tensor': [entry(2, [0], [1])],
    'tensors descend': [entry(1, [0], [1]), entry(0, [0], [1])],
    'tensor twice': [entry(1, [0], [1]), entry(1, [1], [1])],
    'index beyond the tensor': [entry(0, [4], [1])],
    'index twice': [entry(0, [1, 1], [1, 1])],
    'indices descend': [entry(0, [2, 1], [1, 1])],
    'fewer values': [entry(0, [1, 2], [1])],
    NaN: [entry(0, [1], [Number.NaN])],
    infinity: [entry(0, [1], [Number.POSITIVE_INFINITY])],
  };
  for (const [name, tensors] of Object.entries(bad))
    assert.throws(
      () => flattenDelta({ tensors }, layout),
      (error) => errorCodeOf(error) === 'DELTA_INVALID',
      name,
    );
});
