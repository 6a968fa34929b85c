/**
 * @file Error feedback and selection by parts: whatever the partition and the layout, what is sent and what is left have the
 * bits of the whole, round after round.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  CHUNK_ELEMENTS,
  deltaAsDecoded,
  errorCodeOf,
  layoutOf,
  memoryScratch,
  type SparseDelta,
  seededRandom,
  type TensorLayout,
  type WireFormat,
} from '@alice/protocol';
import fc from 'fast-check';
import { groupsOf } from '../aggregation/foldPlan.js';
import { StreamingAggregator } from '../aggregation/streamingAggregator.js';
import { MemoryTermStore } from '../aggregation/termStore.js';
import { normalVector } from '../testing/vectors.js';
import { ErrorFeedback, type ErrorFeedbackOptions } from './errorFeedback.js';
import { PartwiseErrorFeedback } from './PartwiseErrorFeedback.js';
import { partwiseTopK, selectTopK } from './topK.js';

const layouts = fc
  .array(fc.oneof(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 4_000, max: 9_000 })), {
    minLength: 1,
    maxLength: 5,
  })
  .map((sizes) => layoutOf(sizes.map((size, i) => [`tensor ${i}`, [size]])));
const selection = fc.constantFrom('chunked' as const, 'global' as const);
const density = fc.constantFrom(0.0005, 0.03, 0.5, 1);
const formats = fc.constantFrom<WireFormat[]>(
  { wire: 'binary_v2' },
  { wire: 'binary_v3', valueBits: 2 },
  { wire: 'binary_v3', valueBits: 4 },
  { wire: 'binary_v3', valueBits: 8 },
);
/** Also parts that are smaller than a chunk, cut it, or hold several. */
const partElements = fc.oneof(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 51, max: 20_000 }));

function* partsOf(values: Float32Array, step: number): Generator<Float32Array> {
  for (let at = 0; at < values.length; at += step) yield values.slice(at, at + step);
}

/** Deltas as aggregates are: zero of either sign nearly everywhere or nowhere, many equal, some tiny. */
function deltaOf(seed: number, size: number): Float32Array {
  const random = seededRandom(`partwise ${seed}`);
  const [filled, steps] = [random.unit(), 1 + random.below(1_000)];
  return Float32Array.from({ length: size }, () => {
    if (random.unit() > filled) return random.below(2) ? 0 : -0;
    return (Math.round(steps * random.normal()) / steps) * 10 ** -random.below(12);
  });
}

/** Bits, in which the zeros differ. */
const bits = (values: Float32Array): Buffer => Buffer.from(values.slice().buffer);
const bitsOfSent = ({ tensors }: SparseDelta): unknown =>
  tensors.map(({ tensor, indices, values }) => [tensor, indices, bits(values)]);

class ByParts {
  residual: Float32Array | undefined;
  constructor(
    readonly layout: TensorLayout,
    readonly options: ErrorFeedbackOptions,
  ) {}

  async compress(parts: Iterable<Float32Array>): Promise<SparseDelta> {
    const before = this.residual;
    const feedback = new PartwiseErrorFeedback(this.layout, {
      ...this.options,
      residual: before && (async (offset, size) => before.subarray(offset, offset + size)),
      scratch: memoryScratch(),
    });
    for (const part of parts) await feedback.add(part);
    const sent = feedback.compress();
    const rest = new Float32Array(this.layout.size);
    let at = 0;
    for (const part of feedback.rest(sent)) {
      rest.set(part, at);
      at += part.length;
    }
    assert.equal(at, this.layout.size);
    this.residual = rest;
    return sent;
  }
}

describe('by parts', () => {
  test('selection takes what it takes of the whole', () => {
    const property = fc.property(layouts, selection, density, partElements, fc.nat(), (...drawn) => {
      const [layout, selection, density, step, seed] = drawn;
      const values = deltaOf(seed, layout.size);
      const topK = partwiseTopK({ layout, density, selection });
      for (const part of partsOf(values, step)) topK.add(part);
      const selected = topK.select(() => partsOf(values, step));
      assert.deepEqual(bitsOfSent(selected), bitsOfSent(selectTopK(values, { layout, density, selection })));
    });
    fc.assert(property, { numRuns: 60 });
  });

  test('rounds in a row send and leave the same as with the residual in memory', async () => {
    const settings = fc.record({
      ...{ selection, density, format: formats, partElements },
      decay: fc.constantFrom(0, 0.95, 1),
      seeds: fc.array(fc.nat(), { minLength: 1, maxLength: 4 }),
    });
    const property = fc.asyncProperty(layouts, settings, async (layout, { format, seeds, ...settings }) => {
      const options = { ...settings, asDecoded: (delta: SparseDelta) => deltaAsDecoded(delta, format) };
      const [whole, inParts] = [new ErrorFeedback(layout, options), new ByParts(layout, options)];
      for (const seed of seeds) {
        const delta = deltaOf(seed, layout.size);
        const sent = await inParts.compress(partsOf(delta, settings.partElements));
        assert.deepEqual(bitsOfSent(sent), bitsOfSent(whole.compress(delta)));
        assert.ok(bits(inParts.residual!).equals(bits(whole.residual)));
      }
    });
    await fc.assert(property, { numRuns: 60 });
  });

  test('from submissions to what is left, by every rule', async () => {
    const drawn = fc.record({
      ...{ selection, format: formats },
      rule: fc.constantFrom('mean', 'mean-by-work', 'score-weighted', 'median-of-means'),
      clip: fc.boolean(),
      groups: fc.integer({ min: 1, max: 4 }),
      decay: fc.constantFrom(0, 0.95, 1),
      partElements: fc.integer({ min: 900, max: 12_000 }),
      rounds: fc.array(fc.array(fc.nat(), { maxLength: 5 }), { minLength: 1, maxLength: 3 }),
    });
    const property = fc.asyncProperty(layouts, drawn, async (layout, { rounds, format, ...rest }) => {
      const options = {
        ...{ ...rest, density: 0.1 },
        asDecoded: (delta: SparseDelta) => deltaAsDecoded(delta, format),
      };
      const [whole, inParts] = [new ErrorFeedback(layout, options), new ByParts(layout, options)];
      for (const seeds of rounds) {
        const terms = new MemoryTermStore(layout, groupsOf(rest), rest.partElements);
        const [atOnce, streamed] = [
          new StreamingAggregator(layout, rest),
          new StreamingAggregator(layout, rest, terms),
        ];
        for (const seed of seeds) {
          const delta = selectTopK(deltaOf(seed, layout.size), { layout, density: 0.1 });
          const submission = { delta, weight: (1 + (seed % 7)) / 7 };
          for (const aggregator of [atOnce, streamed]) aggregator.add(submission);
        }
        const sent = await inParts.compress(deltasOf(streamed));
        assert.deepEqual(bitsOfSent(sent), bitsOfSent(whole.compress(atOnce.aggregate())));
        assert.ok(bits(inParts.residual!).equals(bits(whole.residual)));
      }
    });
    await fc.assert(property, { numRuns: 40 });
  });

  test('what is not finite is refused with its place in the model', async () => {
    const layout = layoutOf([['w', [3 * CHUNK_ELEMENTS]]]);
    for (const bad of [Number.NaN, Number.NEGATIVE_INFINITY]) {
      const delta = normalVector('bad', layout.size);
      delta[9_000] = bad;
      const byParts = new ByParts(layout, { density: 0.1, decay: 0.95 });
      await assert.rejects(byParts.compress(partsOf(delta, 1_000)), /element 9000 of the delta/);
    }
  });

  test('less than the model, a foreign density or decay is refused', async () => {
    const layout = layoutOf([['w', [100]]]);
    const compress = (parts: Iterable<Float32Array>, options = { density: 0.1, decay: 0.95 }) =>
      new ByParts(layout, options).compress(parts);
    const refused = (code: string) => (error: unknown) => errorCodeOf(error) === code;
    await assert.rejects(compress(partsOf(new Float32Array(99), 10)), refused('VECTOR_LENGTH'));
    await assert.rejects(compress([], { density: 0, decay: 0.95 }), refused('SETTING_INVALID'));
    await assert.rejects(compress([], { density: 0.1, decay: -1 }), refused('SETTING_INVALID'));
  });
});

function* deltasOf(aggregator: StreamingAggregator): Generator<Float32Array> {
  for (const { delta } of aggregator.parts()) yield delta;
}
