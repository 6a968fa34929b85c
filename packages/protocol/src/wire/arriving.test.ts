/** @file A submission checked on its way: however it is cut into parts, the verdict is that of decoding it whole. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { seededRandom } from '../random.js';
import type { SparseDelta } from '../sparseDelta.js';
import { layoutOf, type TensorLayout } from '../tensorLayout.js';
import { testHeader as header } from '../testing/testHeader.js';
import { SUBMISSION_HEADER_BYTES, type SubmissionLimits } from './binaryV2.js';
import { WireError } from './errors.js';
import { VALUE_BITS, type ValueBits } from './quantize.js';
import { checkArriving, decodeAnySubmission, encodeAnySubmission } from './submission.js';

const layout = layoutOf([
  ['embed', [9000, 3]],
  ['norm', [7]],
  ['head', [4097]],
]);
const limitsOf = (shapes: TensorLayout): SubmissionLimits => ({
  layout: shapes,
  maxEntries: shapes.size,
  maxInflatedBytes: 6 * shapes.size,
});
const limits = limitsOf(layout);

function randomDelta(seed: string, shapes: TensorLayout, density: number): SparseDelta {
  const random = seededRandom(seed);
  const tensors = shapes.tensors.flatMap(({ size }, tensor) => {
    const indices = Uint32Array.from({ length: size }, (_, i) => i).filter(() => random.unit() < density);
    const values = Float32Array.from(indices, () => 0.01 * random.normal());
    return indices.length === 0 ? [] : [{ tensor, indices, values }];
  });
  return { tensors };
}
const encode = (delta: SparseDelta, valueBits: ValueBits, shapes = layout): Promise<Uint8Array> =>
  encodeAnySubmission(header, delta, { layout: shapes, format: { wire: 'binary_v3', valueBits } });

/** The code of the refusal, or the norm; the body in parts of these sizes, again and again. */
function onArrival(bytes: Uint8Array, sizes: readonly number[], shapes = layout): string | number {
  return verdict(() => {
    const body = checkArriving(bytes.subarray(0, SUBMISSION_HEADER_BYTES), limitsOf(shapes))!;
    let at = SUBMISSION_HEADER_BYTES;
    for (let i = 0; at < bytes.length; i++) {
      const part = bytes.slice(at, at + sizes[i % sizes.length]!);
      body.add(part);
      at += part.length;
    }
    return body.end();
  });
}

function verdict<T>(run: () => T): T | string {
  try {
    return run();
  } catch (error) {
    if (error instanceof WireError) return error.info.code;
    throw error;
  }
}

async function whole(bytes: Uint8Array): Promise<string | number> {
  try {
    const { delta } = await decodeAnySubmission(bytes, limits);
    let squares = 0;
    for (const { values } of delta.tensors) for (const value of values) squares += value * value;
    return Math.sqrt(squares);
  } catch (error) {
    if (error instanceof WireError) return error.info.code;
    throw error;
  }
}

const cuts = fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 6 });

test('any cut into parts gives the norm of the whole', async () => {
  const property = fc.asyncProperty(
    fc.constantFrom(0.0005, 0.01, 0.3, 0.97, 1),
    fc.constantFrom(...VALUE_BITS),
    cuts,
    fc.string(),
    async (density, bits, sizes, seed) => {
      const bytes = await encode(randomDelta(seed, layout, density), bits).catch(() => undefined);
      if (bytes === undefined) return; // no entry at that density
      const expected = await whole(bytes);
      assert.equal(typeof expected, 'number');
      assert.equal(onArrival(bytes, sizes), expected);
      assert.equal(onArrival(bytes, [bytes.length]), expected);
    },
  );
  await fc.assert(property, { numRuns: 25 });
  const small = await encode(randomDelta('byte by byte', layout, 0.02), 4);
  assert.equal(onArrival(small, [1]), await whole(small));
});

test('damage is refused as in the whole, by the same code', async () => {
  const seen = { accepted: 0, refused: 0 };
  const bodies = await Promise.all(
    VALUE_BITS.map((bits) => encode(randomDelta('damage', layout, 0.01), bits)),
  );
  const property = fc.asyncProperty(
    fc.constantFrom(...bodies),
    fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 3 }),
    cuts,
    async (bytes, flips, sizes) => {
      const damaged = bytes.slice();
      const bodyBytes = bytes.length - SUBMISSION_HEADER_BYTES;
      for (const [at, mask] of flips) damaged[SUBMISSION_HEADER_BYTES + (at % bodyBytes)]! ^= mask;
      const [expected, actual] = [await whole(damaged), onArrival(damaged, sizes)];
      seen[typeof expected === 'number' ? 'accepted' : 'refused']++;
      assert.equal(actual, expected);
    },
  );
  await fc.assert(property, { numRuns: 800 });
  assert.ok(seen.accepted > 15 && seen.refused > 150, JSON.stringify(seen));
});

test('too little and too much are told apart, the latter as soon as it shows', async () => {
  const bytes = await encode(randomDelta('length', layout, 0.01), 2);
  for (let length = SUBMISSION_HEADER_BYTES; length < bytes.length; length += 7)
    assert.equal(onArrival(bytes.subarray(0, length), [100]), 'WIRE_TRUNCATED');
  const body = checkArriving(bytes.subarray(0, SUBMISSION_HEADER_BYTES), limits)!;
  body.add(bytes.subarray(SUBMISSION_HEADER_BYTES));
  assert.equal(
    verdict(() => body.add(Uint8Array.of(0))),
    'WIRE_TRAILING_BYTES',
  );
});

test('junk is refused long before its end', async () => {
  const shapes = layoutOf([['w', [256, 4096]]]);
  const bytes = await encode(randomDelta('long', shapes, 0.02), 8, shapes);
  const random = seededRandom('junk');
  for (let i = SUBMISSION_HEADER_BYTES + 2000; i < bytes.length; i++) bytes[i] = random.below(256);
  const body = checkArriving(bytes.subarray(0, SUBMISSION_HEADER_BYTES), limitsOf(shapes))!;
  let at = SUBMISSION_HEADER_BYTES;
  const code = verdict(() => {
    for (; at < bytes.length; at += 512) body.add(bytes.slice(at, at + 512));
  });
  assert.match(String(code), /^WIRE_/);
  assert.ok(at < bytes.length / 2, `only after ${at} of ${bytes.length} bytes`);
});
