import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { errorCodeOf, layoutOf, type TensorSpec } from '@alice/protocol';
import { normalVector, transformerLikeLayout } from '../testing/vectors.js';
import { createAdafactor } from './adafactor.js';
import { createAdamW } from './adamW.js';
import { clipGradient } from './clipGradient.js';
import type { InnerOptimizer } from './innerOptimizer.js';
import { isHiddenMatrix, matrixGroups, packGroup, unpackGroup } from './matrixGroups.js';
import { createMuon, muonWith } from './muon.js';
import { type Orthogonalizer, openOrthogonalizer } from './openOrthogonalizer.js';
import { orthogonalizeInJavaScript } from './orthogonalize.js';
import { createSgd } from './sgd.js';

const layout = transformerLikeLayout();
const inJavaScript: Orthogonalizer = { orthogonalize: orthogonalizeInJavaScript, dispose: async () => {} };

async function tenSteps(optimizer: InnerOptimizer, from = 0, to = 10): Promise<Float32Array> {
  const parameters = normalVector('start', layout.size, 0.5);
  for (let step = from; step < to; step++)
    await optimizer.step({
      parameters,
      gradient: normalVector(`g${step}`, layout.size, 0.1),
      learningRate: 0.01,
    });
  return parameters;
}

/** Largest difference relative to the largest reference value. */
function farthest(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let worst = 0;
  let scale = 0;
  for (let i = 0; i < expected.length; i++) {
    worst = Math.max(worst, Math.abs(actual[i]! - expected[i]!));
    scale = Math.max(scale, Math.abs(expected[i]!));
  }
  return worst / scale;
}

type Matrix = number[][];
const product = (a: Matrix, b: Matrix): Matrix =>
  a.map((row) => b[0]!.map((_, j) => row.reduce((sum, x, k) => sum + x * b[k]![j]!, 0)));
const transposed = (a: Matrix): Matrix => a[0]!.map((_, j) => a.map((row) => row[j]!));
const combine = (terms: [number, Matrix][]): Matrix =>
  terms[0]![1].map((row, i) => row.map((_, j) => terms.reduce((sum, [k, m]) => sum + k * m[i]![j]!, 0)));
const matrixOf = (flat: ArrayLike<number>, columns: number): Matrix =>
  Array.from({ length: flat.length / columns }, (_, i) =>
    Array.from({ length: columns }, (_, j) => flat[i * columns + j]!),
  );

/** Newton–Schulz as written in the method, FP64, no transposition tricks beyond the wide orientation. */
function referenceOrthogonal(g: Matrix): Matrix {
  const norm = Math.sqrt(g.flat().reduce((sum, x) => sum + x * x, 0));
  const tall = g.length > g[0]!.length;
  let x = combine([[1 / norm, tall ? transposed(g) : g]]);
  for (let n = 0; n < 5; n++) {
    const gram = product(x, transposed(x));
    const polynomial = combine([
      [-4.775, gram],
      [2.0315, product(gram, gram)],
    ]);
    x = combine([
      [3.4445, x],
      [1, product(polynomial, x)],
    ]);
  }
  return tall ? transposed(x) : x;
}

/** Adafactor of one tensor in FP64 with the second moment written out in full. */
class ReferenceAdafactor {
  rows: number[] = [];
  columns: number[] = [];
  constructor(readonly spec: TensorSpec) {}
  update(g: number[], step: number): number[] {
    const beta2 = Math.min(0.99, 1 - (step + 1) ** -0.8);
    const isMatrix = this.spec.shape.length === 2;
    const c = isMatrix ? this.spec.shape[1]! : 1;
    const squares = matrixOf(
      g.map((x) => x * x + 1e-30),
      c,
    );
    const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;
    this.rows = squares.map((row, i) => beta2 * (this.rows[i] ?? 0) + (1 - beta2) * mean(row));
    this.columns = transposed(squares).map(
      (col, j) => beta2 * (this.columns[j] ?? 0) + (1 - beta2) * mean(col),
    );
    const secondMoment = (i: number, j: number) =>
      isMatrix ? (this.rows[i]! * this.columns[j]!) / mean(this.rows) : this.rows[i]!;
    const u = g.map((x, k) => x / Math.sqrt(secondMoment(Math.floor(k / c), k % c)));
    const rms = Math.sqrt(mean(u.map((x) => x * x)));
    return u.map((x) => x / Math.max(1, rms));
  }
}

/** Ten steps of Adafactor, hidden matrices by momentum-free Muon unless told otherwise, straight from the formulas, in FP64. */
function reference({ muon }: { muon: boolean }): number[] {
  const parameters = [...normalVector('start', layout.size, 0.5)];
  const adafactors = new Map(layout.tensors.map((spec) => [spec.name, new ReferenceAdafactor(spec)]));
  for (let step = 0; step < 10; step++) {
    const gradient = normalVector(`g${step}`, layout.size, 0.1);
    for (const spec of layout.tensors) {
      const own = [...gradient.subarray(spec.offset, spec.offset + spec.size)];
      const hidden = muon && spec.name.endsWith('_proj.weight');
      const update = hidden
        ? referenceOrthogonal(matrixOf(own, spec.shape[1]!))
            .flat()
            .map((x) => 0.2 * Math.sqrt(Math.max(...spec.shape)) * x)
        : adafactors.get(spec.name)!.update(own, step + 1);
      update.forEach((u, i) => {
        const at = spec.offset + i;
        parameters[at] = parameters[at]! * (1 - 0.01 * 0.01) - 0.01 * u;
      });
    }
  }
  return parameters;
}

describe('Muon', () => {
  let muon: InnerOptimizer;
  before(async () => {
    muon = await createMuon(layout, { threads: 1 });
  });
  after(() => muon.dispose());

  test('ten steps equal the reference, on the engine and in JavaScript', async () => {
    const expected = reference({ muon: true });
    assert.ok(farthest(await tenSteps(muon), expected) < 2e-5, 'engine');
    assert.ok(farthest(await tenSteps(muonWith(layout, inJavaScript)), expected) < 2e-5, 'JavaScript');
  });

  test('a restart between steps changes no bit', async () => {
    const first = muonWith(layout, inJavaScript);
    const whole = await tenSteps(first);
    const early = muonWith(layout, inJavaScript);
    const late = muonWith(layout, inJavaScript);
    const parameters = await tenSteps(early, 0, 4);
    late.importState(early.exportState());
    for (let step = 4; step < 10; step++)
      await late.step({
        parameters,
        gradient: normalVector(`g${step}`, layout.size, 0.1),
        learningRate: 0.01,
      });
    assert.deepEqual(parameters, whole);
    assert.deepEqual(late.exportState(), first.exportState());
  });

  test('state of another kind or model, or with a flipped bit, is refused and changes nothing', async () => {
    const optimizer = muonWith(layout, inJavaScript);
    await tenSteps(optimizer);
    const own = optimizer.exportState();
    const flipped = own.slice();
    flipped[flipped.length - 40]! ^= 1;
    const smaller = layoutOf([['model.norm.weight', [8]]]);
    const strangers = {
      flipped,
      truncated: own.subarray(0, own.length - 1),
      empty: new Uint8Array(),
      'another kind': createAdamW(layout).exportState(),
      'another model': muonWith(smaller, inJavaScript).exportState(),
    };
    for (const [name, bytes] of Object.entries(strangers))
      assert.throws(
        () => optimizer.importState(bytes),
        (e) => errorCodeOf(e) === 'STATE_INVALID',
        name,
      );
    assert.deepEqual(optimizer.exportState(), own);
  });
});

describe('Adafactor', () => {
  test('ten steps equal the reference', async () => {
    assert.ok(farthest(await tenSteps(createAdafactor(layout)), reference({ muon: false })) < 2e-5);
  });

  test('a tensor at a time, in any order, with a restart between, is the whole step without decay', async () => {
    const whole = createAdafactor(layout, { weightDecay: 0 });
    let parts = createAdafactor(layout, { weightDecay: 0 });
    const base = normalVector('start', layout.size, 0.5);
    const [wholly, partly] = [base.slice(), base.slice()];
    for (let step = 0; step < 5; step++) {
      const gradient = normalVector(`g${step}`, layout.size, 0.1);
      const before = partly.slice();
      await whole.step({ parameters: wholly, gradient, learningRate: 0.01 });
      const { update } = parts.tensorwise(0.01);
      for (const [tensor, { offset, size }] of [...layout.tensors.entries()].reverse()) {
        const own = gradient.slice(offset, offset + size);
        update(tensor, own);
        for (let i = 0; i < size; i++) partly[offset + i] = before[offset + i]! + own[i]!;
      }
      const restarted = createAdafactor(layout, { weightDecay: 0 });
      restarted.importState(parts.exportState());
      parts = restarted;
    }
    assert.ok(farthest(partly, wholly) < 1e-6);
    assert.deepEqual(parts.exportState(), whole.exportState());
  });

  test('state of another optimiser or model is refused', () => {
    const own = createAdafactor(layout);
    const smaller = layoutOf([['model.norm.weight', [8]]]);
    for (const stranger of [muonWith(layout, inJavaScript), createAdafactor(smaller)])
      assert.throws(
        () => own.importState(stranger.exportState()),
        (e) => errorCodeOf(e) === 'STATE_INVALID',
      );
  });
});

describe('Newton–Schulz', () => {
  test('brings singular values near one and keeps a zero matrix zero', async () => {
    const g = normalVector('ns', 6 * 10);
    const x = matrixOf(await orthogonalizeInJavaScript(g, { count: 1, rows: 6, columns: 10 }), 10);
    // Rows of an orthogonal matrix: Gram matrix near the identity. The iteration aims at [0.7, 1.2], squared here.
    const gram = product(x, transposed(x));
    gram.forEach((row, i) => {
      row.forEach((value, j) => {
        if (i === j) assert.ok(value > 0.4 && value < 1.5, `norm² of row ${i} is ${value}`);
        else assert.ok(Math.abs(value) < 0.45, `rows ${i} and ${j} share ${value}`);
      });
    });
    const zero = await orthogonalizeInJavaScript(new Float32Array(60), { count: 1, rows: 6, columns: 10 });
    assert.deepEqual(zero, new Float32Array(60));
  });

  test('the engine gives what JavaScript gives, for each matrix of a batch on its own', async () => {
    const batch = { count: 3, rows: 6, columns: 10 };
    const engine = openOrthogonalizer({ threads: 1 });
    const matrices = normalVector('batch', 180);
    const [ours, theirs] = [
      await orthogonalizeInJavaScript(matrices, batch),
      await engine.orthogonalize(matrices, batch),
    ];
    await engine.dispose();
    assert.ok(farthest(theirs, ours) < 1e-5);
    const alone = await orthogonalizeInJavaScript(matrices.slice(60, 120), { ...batch, count: 1 });
    assert.deepEqual(ours.slice(60, 120), alone);
  });

  test('groups hold every hidden matrix once, wide, and give it back as it was', () => {
    assert.deepEqual(
      layout.tensors.filter(isHiddenMatrix).map((t) => t.name.split('.').at(-2)),
      ['q_proj', 'up_proj', 'down_proj'],
    );
    const flat = normalVector('flat', layout.size);
    const copy = new Float32Array(layout.size);
    for (const group of matrixGroups(layout)) {
      assert.ok(group.rows <= group.columns);
      unpackGroup(packGroup(flat, group), group, ({ offset }, matrix) => copy.set(matrix, offset));
    }
    for (const spec of layout.tensors.filter(isHiddenMatrix)) {
      const [from, to] = [spec.offset, spec.offset + spec.size];
      assert.deepEqual(copy.slice(from, to), flat.slice(from, to), spec.name);
    }
    const [, mlp] = matrixGroups(layout);
    const up = layout.tensors[2]!;
    assert.equal(packGroup(flat, mlp!)[1], flat[up.offset + 8], 'up_proj (20, 8) is packed as (8, 20)');
  });
});

describe('AdamW', () => {
  test('two steps of one parameter, worked by hand', async () => {
    // lr 0.1, wd 0.01, g = 0.5 then −1. Step 1: x = 2·0.999 − 0.1·0.5/(0.5+1e-8).
    // Step 2: m = .9·.05 − .1 = −.055, v = .95·.0125 + .05 = .061875, m̂ = m/.19, v̂ = v/.0975.
    const one = layoutOf([['w', [1]]]);
    const optimizer = createAdamW(one);
    const parameters = Float32Array.of(2);
    const step = (g: number) =>
      optimizer.step({ parameters, gradient: Float32Array.of(g), learningRate: 0.1 });
    await step(0.5);
    assert.ok(Math.abs(parameters[0]! - 1.898) < 1e-6);
    await step(-1);
    const expected = 1.898 * 0.999 + (0.1 * (0.055 / 0.19)) / Math.sqrt(0.061875 / 0.0975);
    assert.ok(Math.abs(expected - 1.9324402) < 1e-6, 'the hand calculation');
    assert.ok(Math.abs(parameters[0]! - expected) < 1e-6);
  });

  test('ten steps equal the reference', async () => {
    const expected = [...normalVector('start', layout.size, 0.5)];
    const m = expected.map(() => 0);
    const v = expected.map(() => 0);
    for (let t = 1; t <= 10; t++) {
      const g = normalVector(`g${t - 1}`, layout.size, 0.1);
      expected.forEach((x, i) => {
        m[i] = 0.9 * m[i]! + 0.1 * g[i]!;
        v[i] = 0.95 * v[i]! + 0.05 * g[i]! ** 2;
        expected[i] =
          x * (1 - 1e-4) - (0.01 * (m[i]! / (1 - 0.9 ** t))) / (Math.sqrt(v[i]! / (1 - 0.95 ** t)) + 1e-8);
      });
    }
    assert.ok(farthest(await tenSteps(createAdamW(layout)), expected) < 1e-5);
  });

  test('state survives a restart bit for bit', async () => {
    const whole = await tenSteps(createAdamW(layout));
    const [early, late] = [createAdamW(layout), createAdamW(layout)];
    const parameters = await tenSteps(early, 0, 4);
    late.importState(early.exportState());
    for (let step = 4; step < 10; step++)
      await late.step({
        parameters,
        gradient: normalVector(`g${step}`, layout.size, 0.1),
        learningRate: 0.01,
      });
    assert.deepEqual(parameters, whole);
    assert.throws(
      () => late.importState(createAdamW(layoutOf([['w', [1]]])).exportState()),
      /for 1 parameters/,
    );
  });
});

test('SGD is theta − lr·g and keeps no state', async () => {
  const optimizer = createSgd();
  const parameters = Float32Array.of(1, -2);
  await optimizer.step({ parameters, gradient: Float32Array.of(4, -8), learningRate: 0.25 });
  assert.deepEqual([...parameters], [0, 0]);
  optimizer.importState(optimizer.exportState());
});

describe('gradient clipping', () => {
  test('scales to the norm, leaves smaller ones alone', () => {
    const long = Float32Array.of(3, 4);
    assert.deepEqual(clipGradient(long, 1), { norm: 5, finite: true });
    assert.ok(Math.abs(long[0]! - 0.6) < 1e-7 && Math.abs(long[1]! - 0.8) < 1e-7);
    const short = Float32Array.of(0.3, 0.4);
    assert.ok(Math.abs(clipGradient(short, 1).norm - 0.5) < 1e-7);
    assert.deepEqual(short, Float32Array.of(0.3, 0.4));
  });

  test('reports NaN and infinity anywhere; the largest finite floats are still finite', () => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])
      assert.equal(clipGradient(Float32Array.of(0, bad, 1), 1).finite, false, String(bad));
    assert.equal(clipGradient(Float32Array.of(3.4e38, -3.4e38), 1).finite, true);
  });
});
