import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { errorCodeOf, type SparseDelta } from '@alice/protocol';
import fc from 'fast-check';
import { applyDelta } from '../applyDelta.js';
import { flattenDelta } from '../flatDelta.js';
import { chunkyLayout, normalVector } from '../testing/vectors.js';
import { ErrorFeedback } from './errorFeedback.js';

const layout = chunkyLayout();
const options = { density: 0.03, decay: 0.95 };

function dense(delta: SparseDelta): Float32Array {
  const vector = new Float32Array(layout.size);
  applyDelta(vector, flattenDelta(delta, layout), 1);
  return vector;
}

/** What a coarse wire format would make of a delta: one magnitude a tensor. */
function oneMagnitude(delta: SparseDelta): SparseDelta {
  return {
    tensors: delta.tensors.map(({ tensor, indices, values }) => {
      const mean = values.reduce((sum, x) => sum + Math.abs(x), 0) / values.length;
      return { tensor, indices, values: values.map((x) => Math.sign(x) * mean) };
    }),
  };
}

describe('conservation, SPEC WIRE-1', () => {
  const seeds = fc.array(fc.string(), { minLength: 1, maxLength: 6 });
  const density = fc.constantFrom(0.001, 0.03, 0.5, 1);
  const decay = fc.constantFrom(0, 0.5, 0.95, 1);

  test('each round: sent + residual is decay · residual + delta, bit for bit', () => {
    const property = fc.property(seeds, density, decay, (rounds, density, decay) => {
      const codec = new ErrorFeedback(layout, { density, decay });
      for (const seed of rounds) {
        const before = codec.residual.slice();
        const delta = normalVector(seed, layout.size, 0.01);
        const sent = dense(codec.compress(delta));
        for (let i = 0; i < layout.size; i++) {
          assert.ok(sent[i] === 0 || codec.residual[i] === 0, 'an element is sent or kept, not both');
          assert.equal(sent[i]! + codec.residual[i]!, Math.fround(decay * before[i]! + delta[i]!) + 0);
        }
      }
    });
    fc.assert(property, { numRuns: 25 });
  });

  test('over many rounds: what was sent plus what is owed is the decayed sum, also when the wire rounds', () => {
    for (const asDecoded of [undefined, oneMagnitude]) {
      const codec = new ErrorFeedback(layout, asDecoded ? { ...options, asDecoded } : options);
      // owed[i] = Σ decayed deltas − Σ decayed sent: linear, so the FP64 recursion below is independent of the codec.
      const owed = new Float64Array(layout.size);
      for (let round = 0; round < 12; round++) {
        const delta = normalVector(`round ${round}`, layout.size, 0.01);
        const sent = dense(codec.compress(delta));
        for (let i = 0; i < owed.length; i++) owed[i] = 0.95 * owed[i]! + delta[i]! - sent[i]!;
      }
      const error = owed.reduce((worst, x, i) => Math.max(worst, Math.abs(x - codec.residual[i]!)), 0);
      assert.ok(error < 1e-7, `off by ${error}`);
    }
  });
});

test('what is never the largest is sent in the end', () => {
  const codec = new ErrorFeedback(layout, { density: 0.0001, decay: 1 }); // one element of each chunk a round
  const delta = new Float32Array(layout.size).fill(0);
  delta[0] = 1;
  delta[1] = 0.3;
  const picked = Array.from({ length: 4 }, () => codec.compress(delta).tensors[0]!.indices[0]);
  assert.deepEqual(picked, [0, 0, 0, 1]); // 0.3 · 4 > 1
});

test('giving back a submission that was just refused restores the residual bit for bit', () => {
  const codec = new ErrorFeedback(layout, options);
  codec.compress(normalVector('first', layout.size));
  const before = codec.residual.slice();
  const delta = normalVector('second', layout.size);
  codec.giveBack(codec.compress(delta));
  for (let i = 0; i < layout.size; i++)
    assert.equal(codec.residual[i], Math.fround(0.95 * before[i]! + delta[i]!));
});

test('the same deltas give the same submissions, across a restart as well', () => {
  const [one, two] = [new ErrorFeedback(layout, options), new ErrorFeedback(layout, options)];
  for (let round = 0; round < 4; round++) {
    const delta = normalVector(`restart ${round}`, layout.size);
    assert.deepEqual(one.compress(delta), two.compress(delta), `round ${round}`);
    const restarted = new ErrorFeedback(layout, options);
    restarted.importState(two.exportState());
    assert.deepEqual(restarted.residual, one.residual, `round ${round}`);
  }
});

test('damaged or foreign state and a delta that is not finite are refused and change nothing', () => {
  const codec = new ErrorFeedback(layout, options);
  codec.compress(normalVector('before', layout.size));
  const before = codec.residual.slice();
  const bytes = codec.exportState();
  for (const at of [0, 5, 20, bytes.length >> 1, bytes.length - 1]) {
    const damaged = bytes.slice();
    damaged[at]! ^= 0x10;
    assert.throws(
      () => codec.importState(damaged),
      (e) => errorCodeOf(e) === 'STATE_INVALID',
      `byte ${at}`,
    );
  }
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
    const delta = normalVector('bad', layout.size);
    delta[777] = bad;
    assert.throws(() => codec.compress(delta), /element 777/);
  }
  assert.throws(
    () => codec.compress(new Float32Array(3)),
    (e) => errorCodeOf(e) === 'VECTOR_LENGTH',
  );
  assert.deepEqual(codec.residual, before);
});

test('decay outside [0, 1] is refused', () => {
  assert.throws(() => new ErrorFeedback(layout, { density: 0.1, decay: 1.1 }), /errorFeedbackDecay/);
});
