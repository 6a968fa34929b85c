/** @file A streamed model computes what the whole graph computes, from memory and from a file, in FP32 and FP16. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  bytesOf,
  fromHalves,
  littleEndianBytes,
  type SparseDelta,
  type SparseTensor,
  seededRandom,
  toHalves,
} from '@alice/protocol';
import { createGradientFunction } from '../createGradientFunction.js';
import { createLossFunction } from '../createLossFunction.js';
import { initParameters } from '../initParameters.js';
import { modelLayout } from '../modelLayout.js';
import { resolveModel } from '../presets.js';
import { createStreamedModel, type StreamedModel } from './createStreamedModel.js';
import { openWeightFile } from './openWeightFile.js';
import { memoryWeights, type WeightSource } from './WeightSource.js';

/** Against the largest element of the same tensor: only the order of sums differs. */
const RTOL = 3e-6;
const LOSS_ATOL = 2e-6;

const config = resolveModel('nano', { vocab: 512 });
const layout = modelLayout(config);
const shape = { batch: 3, sequenceLength: 32, threads: 1 };
const random = seededRandom('streamed');
const parameters = initParameters(config, 'streamed').map((value) => value + 0.02 * random.normal());
const tokens = Uint16Array.from({ length: 3 * 33 }, () => random.below(config.vocab));

async function gradientOf(model: StreamedModel): Promise<{ loss: number; gradient: Float32Array }> {
  const gradient = new Float32Array(layout.size).fill(Number.NaN);
  const order: number[] = [];
  const loss = await model.gradient(tokens, ({ tensor, spec, values }) => {
    order.push(tensor);
    gradient.set(values, spec.offset);
  });
  assert.equal(order[0], layout.tensors.length - 2, 'the norm and the head come first');
  assert.equal(order.at(-1), 0, 'the embedding comes last');
  assert.equal(new Set(order).size, layout.tensors.length, 'each tensor once');
  return { loss, gradient };
}

async function wholeGradient(weights: Float32Array): Promise<{ loss: number; gradient: Float32Array }> {
  const gradientFunction = await createGradientFunction(config, shape);
  const gradient = new Float32Array(layout.size);
  const loss = await gradientFunction.run(weights, tokens, gradient);
  await gradientFunction.dispose();
  return { loss, gradient };
}

function assertSameGradient(got: Float32Array, want: Float32Array): void {
  for (const { name, offset, size } of layout.tensors) {
    const own = want.subarray(offset, offset + size);
    const scale = own.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    assert.ok(scale > 0, `${name} has a gradient`);
    for (let i = 0; i < size; i++)
      assert.ok(
        Math.abs(got[offset + i]! - own[i]!) <= RTOL * scale,
        `${name}[${i}] is ${got[offset + i]}, not ${own[i]}; largest ${scale}`,
      );
  }
}

test('loss and every gradient equal those of the whole graph, the head cut in one, two and many', async () => {
  const want = await wholeGradient(parameters);
  const source = memoryWeights(parameters);
  for (const headElements of [2 ** 25, 48 * config.vocab, 1]) {
    const { loss, gradient } = await gradientOf(
      createStreamedModel(config, { ...shape, source, headElements }),
    );
    assert.ok(Math.abs(loss - want.loss) < LOSS_ATOL, `${loss}, not ${want.loss}`);
    assertSameGradient(gradient, want.gradient);
  }
});

test('rows in three micro-batches have the gradient of one batch, the head cut or not', async () => {
  const want = await wholeGradient(parameters);
  const source = memoryWeights(parameters);
  for (const headElements of [2 ** 25, 16 * config.vocab]) {
    let parts = 0;
    const model = createStreamedModel(config, {
      ...{ ...shape, batch: 1, source, headElements },
      onPart: () => {
        parts++;
      },
    });
    const { loss, gradient } = await gradientOf(model);
    assert.ok(Math.abs(loss - want.loss) < LOSS_ATOL, `${loss}, not ${want.loss}`);
    assertSameGradient(gradient, want.gradient);
    assert.equal(parts, 2 * config.layers + 1);
    await assert.rejects(
      model.largestGradients(tokens, 0.01, () => {}),
      { code: 'TOKENS_RAGGED' },
    );
  }
});

test('what is thrown between parts ends the pass', async () => {
  const stop = new Error('stop');
  const onPart = () => {
    throw stop;
  };
  const model = createStreamedModel(config, { ...shape, source: memoryWeights(parameters), onPart });
  await assert.rejects(
    model.gradient(tokens, () => {}),
    stop,
  );
});

test('from a file of halves: the gradient of the widened weights, and the same bits twice', () =>
  withFile(littleEndianBytes(toHalves(parameters)), 'float16', async (source) => {
    const want = await wholeGradient(fromHalves(toHalves(parameters)));
    const model = createStreamedModel(config, { ...shape, source });
    const first = await gradientOf(model);
    assert.ok(Math.abs(first.loss - want.loss) < LOSS_ATOL);
    assertSameGradient(first.gradient, want.gradient);
    assert.deepEqual(await gradientOf(model), first);
  }));

test('the largest entries are those that top-k takes of the whole gradient', async () => {
  const density = 0.01;
  const model = createStreamedModel(config, { ...shape, source: memoryWeights(parameters) });
  const { gradient, loss } = await gradientOf(model);
  const got: SparseTensor[] = [];
  const sparseLoss = await model.largestGradients(tokens, density, (entries) => {
    got.push(entries);
  });
  assert.equal(sparseLoss, loss);
  assert.equal(new Set(got.map(({ tensor }) => tensor)).size, layout.tensors.length);
  for (const { tensor, indices, values } of got) {
    const { name, offset, size } = layout.tensors[tensor]!;
    const want = topOfChunks(gradient.subarray(offset, offset + size), density);
    assert.deepEqual([...indices], want, name);
    for (const [i, index] of indices.entries()) assert.equal(values[i], gradient[offset + index], name);
  }
});

test('losses under no change and under a scaled delta equal those of the changed weights', () =>
  withFile(bytesOf(parameters), 'float32', async (source) => {
    const delta = someDelta();
    const scale = 0.25;
    const changed = parameters.slice();
    for (const { tensor, indices, values } of delta.tensors)
      for (const [i, index] of indices.entries())
        changed[layout.tensors[tensor]!.offset + index]! += scale * values[i]!;
    const lossFunction = await createLossFunction(config, { ...shape, batch: 2 });
    const want = [await lossFunction.run(parameters, tokens), await lossFunction.run(changed, tokens)];
    await lossFunction.dispose();
    for (const headElements of [2 ** 25, 8 * config.vocab]) {
      const model = createStreamedModel(config, { ...shape, batch: 2, source, headElements });
      const got = await model.losses(tokens, [{}, { delta, scale }]);
      for (const [c, losses] of want.entries())
        for (const [row, loss] of losses.entries())
          assert.ok(
            Math.abs(got[c]![row]! - loss) < LOSS_ATOL,
            `change ${c} row ${row}: ${got[c]![row]}, not ${loss}`,
          );
    }
    const gap = Math.min(...want[0]!.map((loss, row) => Math.abs(loss - want[1]![row]!)));
    assert.ok(gap > 50 * LOSS_ATOL, `the delta moves every loss far beyond the tolerance: ${gap}`);
  }));

test('without rows there are no losses', async () => {
  const model = createStreamedModel(config, { ...shape, source: memoryWeights(parameters) });
  assert.deepEqual(await model.losses(new Uint16Array(), [{}, {}]), [new Float64Array(), new Float64Array()]);
});

test('weights of another model, a missing file and a file cut short are refused with their codes', async () => {
  const source = memoryWeights(parameters.subarray(1));
  assert.throws(() => createStreamedModel(config, { ...shape, source }), {
    info: { code: 'WEIGHTS_UNREADABLE', offset: 0, size: layout.size, available: layout.size - 1 },
  });
  await assert.rejects(openWeightFile('/nowhere/weights.bin', 'float16'), (error: unknown) => {
    assert.equal((error as { info: { code: string } }).info.code, 'WEIGHTS_FILE');
    return true;
  });
  await withFile(bytesOf(parameters), 'float32', async (cut, path) => {
    await cut.read({ offset: 0, size: 8 });
    await writeFile(path, new Uint8Array(64));
    await assert.rejects(cut.read({ offset: 1000, size: 10 }), {
      info: { code: 'WEIGHTS_FILE', path, problem: 'it ends at byte 4000' },
    });
  });
});

/** Ascending positions of the ⌈density·n⌉ largest magnitudes of each chunk of n ≤ 4,096; no zeros. */
function topOfChunks(values: Float32Array, density: number): number[] {
  const taken: number[] = [];
  for (let base = 0; base < values.length; base += 4096) {
    const chunk = [...values.subarray(base, base + 4096).keys()].map((i) => base + i);
    const ranked = chunk.sort((a, b) => Math.abs(values[b]!) - Math.abs(values[a]!) || a - b);
    taken.push(...ranked.slice(0, Math.ceil(density * chunk.length)).filter((i) => values[i] !== 0));
  }
  return taken.sort((a, b) => a - b);
}

/** Ten elements of every tensor, by amounts that a loss notices. */
function someDelta(): SparseDelta {
  return {
    tensors: layout.tensors.map(({ size }, tensor) => ({
      tensor,
      indices: Uint32Array.from({ length: 10 }, (_, i) => Math.floor((i * size) / 10)),
      values: Float32Array.from({ length: 10 }, () => 2 * random.normal()),
    })),
  };
}

async function withFile(
  bytes: Uint8Array,
  dtype: WeightSource['dtype'],
  use: (source: WeightSource, path: string) => Promise<void>,
): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'alice-weights-'));
  const path = join(dir, 'weights.bin');
  try {
    await writeFile(path, bytes);
    const source = await openWeightFile(path, dtype);
    try {
      await use(source, path);
    } finally {
      await source.close();
    }
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
