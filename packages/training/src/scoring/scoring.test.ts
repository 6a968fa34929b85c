import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { bytesOf, seededRandom } from '@alice/protocol';
import fc from 'fast-check';
import { denseDelta, type FlatDelta } from '../flatDelta.js';
import { bigramModel, bigramRows } from '../testing/bigramModel.js';
import { normalVector } from '../testing/vectors.js';
import { likenessOf, overlapOf } from './overlap.js';
import { pairedScore } from './pairedScore.js';
import { pairedStatistics } from './pairedStatistics.js';
import { overlapWithUpdate, publishedUpdate } from './publishedUpdate.js';
import { scoreSequentially } from './scoreSequentially.js';
import { defaultSequentialTest, isGainShown, sequentialDecision } from './sequentialDecision.js';

const shape = { vocab: 24, sequenceLength: 16, batch: 4 };
const { lossFunction, gradientFunction, layout } = bigramModel(shape);
const rowsOf = (seed: string, rows: number) => bigramRows(seed, { ...shape, rows });

/** Minus the gradient of 64 rows, scaled: a true descent delta. */
async function descentDelta(parameters: Float32Array, scale: number): Promise<FlatDelta> {
  const gradient = new Float32Array(layout.size);
  await gradientFunction.run(parameters, rowsOf('train', 64), gradient);
  return denseDelta(gradient.map((g) => -scale * g));
}

describe('paired score', () => {
  test('a descent delta gains on fresh rows, its negation loses, and every bit of the weights is restored', async () => {
    const parameters = normalVector('weights', layout.size, 0.1);
    parameters[3] = -0;
    parameters[4] = 1e-42;
    const before = bytesOf(parameters).slice();
    const descent = await descentDelta(parameters, 20);
    const gains: number[] = [];
    for (const sign of [1, -1]) {
      const delta = denseDelta(descent.values.map((x) => sign * x));
      const score = await pairedScore({
        lossFunction,
        parameters,
        delta,
        stepFraction: 0.25,
        rows: rowsOf('fresh', 32),
      });
      gains.push(pairedStatistics(score.before, score.after).meanGainNats);
      assert.deepEqual(bytesOf(parameters), before, 'restored');
    }
    assert.ok(gains[0]! > 0.05 && gains[1]! < -0.05, String(gains));
  });

  test('restores bits that addition cannot: NaN payloads, −0, values swallowed by a huge delta', async () => {
    const parameters = new Float32Array(6);
    const bits = new Uint32Array(parameters.buffer);
    bits.set([0x7f80_0001, 0xffc1_2345, 0x8000_0000, 1, 0x3f80_0000, 0x0080_0000]);
    const wanted = bits.slice();
    const constant = {
      ...lossFunction,
      run: async (_: Float32Array, rows: Uint16Array) => new Float64Array(rows.length / 17),
    };
    for (const indices of [null, Uint32Array.of(0, 1, 2, 3, 4, 5)]) {
      const delta = { indices, values: new Float32Array(6).fill(3e38) };
      await pairedScore({ lossFunction: constant, parameters, delta, stepFraction: 1, rows: rowsOf('x', 2) });
      assert.deepEqual(bits, wanted);
    }
  });

  test('restores the weights when evaluating throws', async () => {
    const parameters = normalVector('weights', layout.size);
    const before = parameters.slice();
    let calls = 0;
    const failing = {
      ...lossFunction,
      run: async (p: Float32Array, rows: Uint16Array) => {
        if (++calls === 2) throw new Error('the device is gone');
        return lossFunction.run(p, rows);
      },
    };
    const delta = denseDelta(normalVector('delta', layout.size));
    await assert.rejects(
      pairedScore({ lossFunction: failing, parameters, delta, stepFraction: 1, rows: rowsOf('x', 2) }),
      /device is gone/,
    );
    assert.deepEqual(parameters, before);
  });

  test('losses before from a cache are used as they are', async () => {
    const parameters = new Float32Array(layout.size);
    const rows = rowsOf('cache', 8);
    const lossesBefore = new Float64Array(8).fill(42);
    const score = await pairedScore({
      lossFunction,
      parameters,
      delta: denseDelta(new Float32Array(layout.size)),
      stepFraction: 1,
      rows,
      lossesBefore,
    });
    assert.equal(score.before, lossesBefore);
    for (const loss of score.after) assert.ok(Math.abs(loss - Math.log(shape.vocab)) < 1e-6, 'uniform');
  });
});

describe('paired statistics', () => {
  test('worked by hand', () => {
    // Gains 1, 2, 3: mean 2, sd 1, SE 1/√3, z = 2√3.
    const s = pairedStatistics(Float64Array.of(4, 5, 6), Float64Array.of(3, 3, 3));
    assert.equal(s.rows, 3);
    assert.equal(s.meanGainNats, 2);
    assert.ok(Math.abs(s.standardErrorNats - 1 / Math.sqrt(3)) < 1e-15);
    assert.ok(Math.abs(s.z - 2 * Math.sqrt(3)) < 1e-12);
    assert.ok(Math.abs(s.interval95Nats[0] - (2 - 1.959964 / Math.sqrt(3))) < 1e-12);
  });

  test('no difference is z = 0, one row says nothing, NaN stays visible', () => {
    assert.equal(pairedStatistics(Float64Array.of(1, 2), Float64Array.of(1, 2)).z, 0);
    assert.equal(pairedStatistics(Float64Array.of(9), Float64Array.of(1)).z, 0);
    assert.ok(
      Number.isNaN(pairedStatistics(Float64Array.of(1, 2), Float64Array.of(1, Number.NaN)).meanGainNats),
    );
    assert.throws(() => pairedStatistics(new Float64Array(2), new Float64Array(3)), /2/);
  });
});

describe('sequential decision', () => {
  const statistics = (rows: number, z: number) => ({
    rows,
    z,
    meanGainNats: z,
    standardErrorNats: 1,
    interval95Nats: [z - 2, z + 2] as const,
  });
  test('table of verdicts', () => {
    const table: [rows: number, z: number, verdict: string][] = [
      [8, 9, 'continue'],
      [32, 3, 'accept'],
      [32, 2.9, 'continue'],
      [32, -3, 'refuse worse'],
      [128, 2, 'accept'],
      [128, 1.9, 'undecided'],
      [128, 0, 'undecided'],
      [128, -0.9, 'undecided'],
      [128, -1, 'refuse worse'],
      [8, Number.NaN, 'refuse not-finite'],
      [8, Number.NEGATIVE_INFINITY, 'refuse not-finite'],
    ];
    for (const [rows, z, expected] of table) {
      const decision = sequentialDecision(statistics(rows, z));
      const actual = decision.verdict === 'refuse' ? `refuse ${decision.reason}` : decision.verdict;
      assert.equal(actual, expected, `${rows} rows, z ${z}`);
    }
    assert.deepEqual(sequentialDecision(statistics(8, 9), defaultSequentialTest, true), {
      verdict: 'refuse',
      reason: 'too-few-rows',
    });
  });

  test('what is accepted has shown its gain, what is undecided has not', () => {
    for (let tenths = -9; tenths < 30; tenths++) {
      const measured = statistics(128, tenths / 10);
      const isAccepted = sequentialDecision(measured).verdict === 'accept';
      assert.equal(isGainShown(measured), isAccepted, `z ${tenths / 10}`);
    }
    assert.ok(!isGainShown({ meanGainNats: 0, standardErrorNats: 0 }), 'no difference at all');
  });

  test('a worthless delta passes about 2.5% of the time although there are four looks; a gain of half a deviation passes', async () => {
    const random = seededRandom('sequential');
    const passed = (gain: number, trials: number) => {
      let accepted = 0;
      for (let trial = 0; trial < trials; trial++) {
        const after = Float64Array.from({ length: 128 }, () => random.normal() - gain);
        for (let rows = 32; ; rows += 32) {
          const decision = sequentialDecision(pairedStatistics(new Float64Array(rows), after.slice(0, rows)));
          if (decision.verdict === 'continue') continue;
          if (decision.verdict === 'accept') accepted++;
          break;
        }
      }
      return accepted / trials;
    };
    const worthless = passed(0, 4000);
    assert.ok(worthless > 0.015 && worthless < 0.04, `${worthless}`);
    assert.ok(passed(0.5, 500) > 0.99);
    assert.ok(passed(-0.1, 2000) < 0.005);
  });

  test('runs on a real loss: honest is accepted early, its negation refused, noise not accepted', async () => {
    const parameters = new Float32Array(layout.size);
    const honest = await descentDelta(parameters, 20);
    const noise = denseDelta(normalVector('noise', layout.size, 0.05));
    const run = (delta: FlatDelta) =>
      scoreSequentially({
        lossFunction,
        parameters,
        delta,
        stepFraction: 0.25,
        batchAt: async (look) => ({ rows: rowsOf(`look ${look}`, 32) }),
      });
    const accepted = await run(honest);
    assert.equal(accepted.verdict, 'accept');
    assert.equal(accepted.statistics.rows, 32);
    assert.deepEqual(
      await run(denseDelta(honest.values.map((x) => -x))).then(({ verdict, reason }) => ({
        verdict,
        reason,
      })),
      { verdict: 'refuse', reason: 'worse' },
    );
    assert.notEqual((await run(noise)).verdict, 'accept');
    const dry = await scoreSequentially({
      lossFunction,
      parameters,
      delta: honest,
      stepFraction: 0.25,
      batchAt: async () => undefined,
    });
    assert.equal(dry.reason, 'too-few-rows');
  });
});

describe('overlap', () => {
  const delta = (entries: Record<number, number>): FlatDelta => ({
    indices: Uint32Array.from(Object.keys(entries), Number),
    values: Float32Array.from(Object.values(entries)),
  });
  test('fraction of the smaller one and cosine on what is shared', () => {
    const a = delta({ 1: 3, 5: 4, 9: 100 });
    const b = delta({ 1: 4, 2: 7, 5: 3, 10: 1, 11: 1 });
    assert.deepEqual(overlapOf(a, b), { indexFraction: 2 / 3, cosine: 24 / 25 });
    assert.deepEqual(overlapOf(b, a), overlapOf(a, b));
    assert.deepEqual(overlapOf(a, delta({ 2: 1 })), { indexFraction: 0, cosine: 0 });
    assert.deepEqual(overlapOf(a, delta({})), { indexFraction: 0, cosine: 0 });
    assert.equal(overlapOf(a, denseDelta(new Float32Array(12).fill(1))).indexFraction, 1);
  });
  test('with a published update: the same as a merge pass over what it changed', () => {
    const weights = fc.array(fc.integer({ min: -2, max: 2 }), { minLength: 12, maxLength: 12 });
    const own = fc.dictionary(fc.nat(11).map(String), fc.integer({ min: -3, max: 3 }), {
      noNullPrototype: true,
    });
    fc.assert(
      fc.property(weights, weights, own, (from, to, entries) => {
        const update = publishedUpdate(Float32Array.from(from), Float32Array.from(to));
        const changed = to.flatMap((x, i) => (x === from[i] ? [] : [[i, x - from[i]!] as const]));
        assert.equal(update.changed, changed.length);
        const expected = overlapOf(delta(entries), delta(Object.fromEntries(changed)));
        assert.deepEqual(overlapWithUpdate(delta(entries), update), expected);
      }),
    );
  });
  test('with a published update by samples: a large delta agrees with the merge pass to a hundredth', () => {
    const random = seededRandom('samples');
    const size = 2 ** 21;
    const [from, to] = [new Float32Array(size), new Float32Array(size)];
    for (let i = 0; i < size; i++) if (random.unit() < 0.4) to[i] = random.normal();
    const indices = Uint32Array.from({ length: 2 ** 20 }, (_, i) => 2 * i + random.below(2));
    const large = {
      indices,
      values: Float32Array.from(indices, (i) => 0.5 * to[i]! + 0.5 * random.normal()),
    };
    const update = publishedUpdate(from, to);
    const changed = Uint32Array.from({ length: size }, (_, i) => i).filter((i) => to[i] !== 0);
    const exact = overlapOf(large, { indices: changed, values: Float32Array.from(changed, (i) => to[i]!) });
    for (const key of [1, 2]) {
      const sampled = overlapWithUpdate(large, update, key);
      assert.ok(Math.abs(sampled.indexFraction / exact.indexFraction - 1) < 0.01, `key ${key}`);
      assert.ok(Math.abs(sampled.cosine / exact.cosine - 1) < 0.01, `key ${key}`);
    }
    assert.notDeepEqual(overlapWithUpdate(large, update, 1), overlapWithUpdate(large, update, 2));
  });
  test('a copy, a rescaled copy and a copy with a tenth changed are copies; independent supports are not', () => {
    const base = Array.from({ length: 100 }, (_, i) => [i * 31, Math.sin(i)] as const);
    const original = delta(Object.fromEntries(base));
    const scaled = delta(Object.fromEntries(base.map(([i, x]) => [i, -2 * x])));
    const shifted = delta(Object.fromEntries(base.map(([i, x], n) => [n < 10 ? i + 1 : i, x])));
    const half = delta(Object.fromEntries(base.map(([i, x], n) => [n < 55 ? i + 1 : i, x])));
    assert.equal(likenessOf(overlapOf(original, scaled)), 'copy');
    assert.equal(likenessOf(overlapOf(original, shifted)), 'copy');
    assert.equal(likenessOf(overlapOf(original, half)), 'suspicious');
    assert.equal(
      likenessOf(overlapOf(original, delta(Object.fromEntries(base.map(([i, x]) => [i + 1, x]))))),
      'independent',
    );
    assert.ok(Math.abs(overlapOf(original, scaled).cosine + 1) < 1e-12);
  });
});
