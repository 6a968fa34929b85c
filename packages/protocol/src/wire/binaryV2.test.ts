/** @file Submissions: round trip, the byte table, each refusal with its code and numbers, and fuzzing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deflateSync, inflateSync } from 'node:zlib';
import fc from 'fast-check';
import type { SparseDelta } from '../sparseDelta.js';
import { layoutOf } from '../tensorLayout.js';
import { testHeader as header } from '../testing/testHeader.js';
import {
  decodeSubmission,
  decodeSubmissionHeader,
  encodeSubmission,
  SUBMISSION_HEADER_BYTES,
  type SubmissionHeader,
  type SubmissionLimits,
} from './binaryV2.js';
import { WireError, type WireErrorInfo } from './errors.js';

const layout = layoutOf([
  ['embed', [5000, 2]],
  ['norm', [7]],
  ['head', [4097]],
]);
const delta: SparseDelta = {
  tensors: [
    { tensor: 0, indices: Uint32Array.of(0, 4095, 4096, 9999), values: Float32Array.of(1, -0.5, 1e-38, 3) },
    { tensor: 2, indices: Uint32Array.of(4096), values: Float32Array.of(-2) },
  ],
};
const limits: SubmissionLimits = { layout, maxEntries: 10_000, maxInflatedBytes: 1_000_000 };

async function infoOf(run: Promise<unknown>): Promise<WireErrorInfo | 'ok'> {
  try {
    await run;
    return 'ok';
  } catch (error) {
    if (error instanceof WireError) return error.info;
    throw error;
  }
}
const codeOf = async (run: Promise<unknown>): Promise<string> => {
  const info = await infoOf(run);
  return info === 'ok' ? 'ok' : info.code;
};

/** A well-formed frame around any body, the counts as claimed. */
async function forge(
  body: number[] | Uint8Array,
  claims: { tensors: number; entries: number; inflated?: number },
): Promise<Uint8Array> {
  const head = (await encodeSubmission(header, delta, layout)).subarray(0, SUBMISSION_HEADER_BYTES);
  const deflated = deflateSync(Uint8Array.from(body));
  const bytes = new Uint8Array([...head, ...deflated]);
  const view = new DataView(bytes.buffer);
  view.setUint16(98, claims.tensors, true);
  view.setUint32(104, claims.entries, true);
  view.setUint32(108, claims.inflated ?? body.length, true);
  view.setUint32(112, deflated.length, true);
  return bytes;
}

test('a submission comes back as it was', async () => {
  const bytes = await encodeSubmission(header, delta, layout);
  assert.deepEqual(await decodeSubmission(bytes, limits), { header, delta });
  const frame = decodeSubmissionHeader(bytes.subarray(0, SUBMISSION_HEADER_BYTES));
  assert.deepEqual(frame, {
    header,
    tensorCount: 2,
    entryCount: 5,
    inflatedBytes: 44,
    deflatedBytes: bytes.length - SUBMISSION_HEADER_BYTES,
  });
  const shifted = new Uint8Array(bytes.length + 3);
  shifted.set(bytes, 3);
  assert.deepEqual(
    await decodeSubmission(shifted.subarray(3), limits),
    { header, delta },
    'at any alignment',
  );
});

test('the bytes are those of the specification', async () => {
  const bytes = await encodeSubmission(header, delta, layout);
  const head = Buffer.from(bytes.subarray(0, SUBMISSION_HEADER_BYTES)).toString('hex');
  assert.equal(
    head.slice(0, 216),
    '414c4232' +
      '02010100' +
      'a1'.repeat(16) +
      'b2'.repeat(32) +
      'c3'.repeat(32) +
      '07000000' +
      '00000100' +
      '1000' +
      '0200' +
      '00005040' +
      '05000000',
  );
  assert.equal(
    inflateSync(bytes.subarray(SUBMISSION_HEADER_BYTES)).toString('hex'),
    '0000' +
      '0200' +
      '0100' +
      '0100' +
      '0000' +
      'ff0f' +
      '0000' +
      '0f07' + // tensor, 3 counts (2, 1, 1), 4 positions
      '0000803f' +
      '000000bf' +
      float32Hex(1e-38) +
      '00004040' +
      '0200' +
      '0000' +
      '0100' +
      '0000' +
      '000000c0',
  );
});

function float32Hex(value: number): string {
  return Buffer.from(new Uint8Array(Float32Array.of(value).buffer)).toString('hex');
}

test('any delta over any layout round-trips', async () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 9000 }), { minLength: 1, maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(
      sizes,
      fc.infiniteStream(fc.nat()),
      fc.infiniteStream(fc.float({ noNaN: true, noDefaultInfinity: true })),
      async (dims, picks, floats) => {
        const shapes = layoutOf(dims.map((dim, i) => [`t${i}`, [dim]]));
        const tensors = dims.map((dim, tensor) => {
          const wanted = new Set(
            Array.from({ length: 1 + (picks.next().value % 50) }, () => picks.next().value % dim),
          );
          const indices = Uint32Array.from(wanted).sort();
          return { tensor, indices, values: Float32Array.from(indices, () => floats.next().value) };
        });
        const bytes = await encodeSubmission(header, { tensors }, shapes);
        const decoded = await decodeSubmission(bytes, { ...limits, layout: shapes });
        assert.deepEqual(decoded.delta.tensors, tensors);
      },
    ),
    { numRuns: 60 },
  );
});

test('each header field out of place has its code', async () => {
  const bytes = await encodeSubmission(header, delta, layout);
  const patched = async (at: number, ...values: number[]): Promise<WireErrorInfo | 'ok'> => {
    const copy = bytes.slice();
    copy.set(values, at);
    return infoOf(decodeSubmission(copy, limits));
  };
  const body = bytes.length - SUBMISSION_HEADER_BYTES;
  assert.deepEqual(await patched(3, 0x33), { code: 'WIRE_MAGIC', format: 'submission' });
  assert.deepEqual(await patched(4, 3), {
    code: 'WIRE_VERSION',
    format: 'submission',
    version: 3,
    supported: 2,
  });
  assert.deepEqual(await patched(5, 0), { code: 'WIRE_SIGN', sign: 0 });
  assert.deepEqual(await patched(6, 9), { code: 'WIRE_DTYPE', dtype: 9 });
  assert.deepEqual(await patched(7, 1), { code: 'WIRE_FIELD', field: 'reserved', value: 1 });
  assert.deepEqual(await patched(96, 0, 0), { code: 'WIRE_FIELD', field: 'innerSteps', value: 0 });
  assert.deepEqual(await patched(98, 0, 0), { code: 'WIRE_EMPTY' });
  assert.deepEqual(await patched(98, 4, 0), { code: 'WIRE_COUNT', what: 'tensors', expected: 3, got: 4 });
  assert.deepEqual(await patched(100, 0, 0, 0xc0, 0x7f), { code: 'WIRE_NOT_FINITE', tensor: -1, index: 0 });
  assert.deepEqual(await patched(104, 0, 0, 0, 0), { code: 'WIRE_EMPTY' });
  assert.deepEqual(await patched(104, 0, 0, 0, 0x80), {
    code: 'WIRE_ENTRY_LIMIT',
    entries: 2 ** 31,
    maxEntries: 10_000,
  });
  assert.deepEqual(await patched(108, 0, 0, 0, 0x80), {
    code: 'WIRE_INFLATE_LIMIT',
    declaredBytes: 2 ** 31,
    allowedBytes: 46,
  });
  assert.deepEqual(await patched(112, body + 1), {
    code: 'WIRE_TRUNCATED',
    needBytes: bytes.length + 1,
    gotBytes: bytes.length,
  });
  assert.deepEqual(await patched(112, body - 1), {
    code: 'WIRE_TRAILING_BYTES',
    expectedBytes: bytes.length - 1,
    gotBytes: bytes.length,
  });
  assert.deepEqual(await infoOf(decodeSubmission(bytes, { ...limits, maxEntries: 4 })), {
    code: 'WIRE_ENTRY_LIMIT',
    entries: 5,
    maxEntries: 4,
  });
  assert.deepEqual(await infoOf(decodeSubmission(bytes, { ...limits, maxInflatedBytes: 43 })), {
    code: 'WIRE_INFLATE_LIMIT',
    declaredBytes: 44,
    allowedBytes: 43,
  });
});

test('a submission for another task, nonce, root or version is refused by the header', async () => {
  const bytes = await encodeSubmission(header, delta, layout);
  const { taskId, nonce, stateRoot, baseVersion } = header;
  assert.equal(
    await codeOf(decodeSubmission(bytes, { ...limits, expected: { taskId, nonce, stateRoot, baseVersion } })),
    'ok',
  );
  assert.deepEqual(await infoOf(decodeSubmission(bytes, { ...limits, expected: { baseVersion: 8 } })), {
    code: 'WIRE_UNEXPECTED',
    field: 'baseVersion',
    expected: '8',
    actual: '7',
  });
  const other = `0x${'00'.repeat(32)}` as const;
  for (const expected of [
    { nonce: other },
    { stateRoot: other },
    { taskId: `0x${'00'.repeat(16)}` as const },
  ])
    assert.equal(await codeOf(decodeSubmission(bytes, { ...limits, expected })), 'WIRE_UNEXPECTED');
});

test('each fault of the body has its code', async () => {
  const value = [0, 0, 128, 63];
  const one = { tensors: 1, entries: 1 };
  const two = { tensors: 1, entries: 2 };
  const faults: [string, number[], { tensors: number; entries: number; inflated?: number }][] = [
    ['ok', [1, 0, 1, 0, 6, 0, ...value], one],
    ['WIRE_INDEX_RANGE', [1, 0, 1, 0, 7, 0, ...value], one],
    ['WIRE_INDEX_RANGE', [0, 0, 1, 0, 0, 0, 0, 0, 0, 16, ...value], one], // 4096 within a chunk
    ['WIRE_TENSOR_RANGE', [3, 0, 1, 0, 6, 0, ...value], one],
    ['WIRE_NOT_FINITE', [1, 0, 1, 0, 6, 0, 0, 0, 128, 127], one],
    ['WIRE_NOT_FINITE', [1, 0, 1, 0, 6, 0, 0, 0, 192, 127], one],
    ['WIRE_INDEX_ORDER', [1, 0, 2, 0, 6, 0, 6, 0, ...value, ...value], two],
    ['WIRE_INDEX_ORDER', [1, 0, 2, 0, 6, 0, 5, 0, ...value, ...value], two],
    ['WIRE_COUNT', [1, 0, 8, 0, ...new Array(48).fill(0)], { tensors: 1, entries: 8 }], // more than the chunk has
    [
      'WIRE_INFLATE_LIMIT',
      [1, 0, 2, 0, 5, 0, 6, 0, ...value, ...value],
      { tensors: 1, entries: 2, inflated: 10 },
    ],
    ['WIRE_COUNT', [1, 0, 2, 0, 5, 0, 6, 0, 0, 0], one],
    ['WIRE_COUNT', [1, 0, 1, 0, 6, 0, ...value], { tensors: 1, entries: 2 }],
    ['WIRE_EMPTY', [1, 0, 0, 0, ...value], one],
    ['WIRE_TRAILING_BYTES', [1, 0, 1, 0, 6, 0, ...value, 0], { tensors: 1, entries: 1 }],
    ['WIRE_TRUNCATED', [1, 0, 1, 0, 6, 0, 0, 0, 128], one],
    ['WIRE_TRUNCATED', [1], one],
    ['WIRE_TRUNCATED', [1, 0, 1], one],
    [
      'WIRE_TENSOR_ORDER',
      [1, 0, 1, 0, 6, 0, ...value, 1, 0, 1, 0, 5, 0, ...value],
      { tensors: 2, entries: 2 },
    ],
    [
      'WIRE_TENSOR_ORDER',
      [1, 0, 1, 0, 6, 0, ...value, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, ...value],
      { tensors: 2, entries: 2 },
    ],
  ];
  for (const [code, body, claims] of faults) {
    const got = await codeOf(decodeSubmission(await forge(body, claims), limits));
    assert.equal(got, code, body.join(' '));
  }
});

test('a bomb is refused without inflating past its announcement', async () => {
  const bomb = await forge(new Uint8Array(20_000_000), { tensors: 1, entries: 9000 });
  assert.equal(await codeOf(decodeSubmission(bomb, limits)), 'WIRE_INFLATE_LIMIT');
  new DataView(bomb.buffer).setUint32(108, 40_000, true);
  const info = await infoOf(decodeSubmission(bomb, limits));
  assert.ok(info !== 'ok' && info.code === 'WIRE_INFLATE_LIMIT' && info.allowedBytes === 40_000);
  assert.ok(info.declaredBytes <= 40_000 + 258, 'stopped at the first match that does not fit');
});

test('the encoder refuses what the decoder would', async () => {
  const encode = (tensors: SparseDelta['tensors'], change: Partial<SubmissionHeader> = {}): Promise<string> =>
    codeOf(encodeSubmission({ ...header, ...change }, { tensors }, layout));
  const at = (
    tensor: number,
    index: number[],
    values = index.map(() => 1),
  ): SparseDelta['tensors'][number] => ({
    tensor,
    indices: Uint32Array.from(index),
    values: Float32Array.from(values),
  });
  assert.equal(await encode([]), 'WIRE_EMPTY');
  assert.equal(await encode([at(0, [])]), 'WIRE_EMPTY');
  assert.equal(await encode([at(0, [1]), at(1, [])]), 'WIRE_EMPTY');
  assert.equal(await encode([at(0, [2, 1])]), 'WIRE_INDEX_ORDER');
  assert.equal(await encode([at(1, [7])]), 'WIRE_INDEX_RANGE');
  assert.equal(await encode([at(1, [1]), at(0, [1])]), 'WIRE_TENSOR_ORDER');
  assert.equal(await encode([at(3, [1])]), 'WIRE_TENSOR_RANGE');
  assert.equal(await encode([at(0, [1], [Number.NaN])]), 'WIRE_NOT_FINITE');
  assert.equal(await encode([at(0, [1], [1, 2])]), 'WIRE_COUNT');
  assert.equal(await encode(delta.tensors, { innerSteps: 0 }), 'WIRE_FIELD');
  assert.equal(await encode(delta.tensors, { tokens: 2 ** 32 }), 'WIRE_FIELD');
  assert.equal(await encode(delta.tensors, { nonce: '0x12' }), 'WIRE_FIELD');
  assert.equal(await encode(delta.tensors, { meanTrainingLossNats: Number.POSITIVE_INFINITY }), 'WIRE_FIELD');
});

test('cut anywhere it is refused; any mutation or junk ends in a result or a WireError', async () => {
  const bytes = await encodeSubmission(header, delta, layout);
  for (let length = 0; length < bytes.length; length++)
    assert.equal(
      await codeOf(decodeSubmission(bytes.subarray(0, length), limits)),
      'WIRE_TRUNCATED',
      `cut at ${length}`,
    );
  const flip = fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }));
  await fc.assert(
    fc.asyncProperty(fc.array(flip, { minLength: 1, maxLength: 5 }), async (flips) => {
      const mutated = bytes.slice();
      for (const [at, mask] of flips) mutated[at]! ^= mask;
      await codeOf(decodeSubmission(mutated, limits));
    }),
    { numRuns: 1500 },
  );
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 120 }), async (body) => {
      // A valid frame and stream around junk reaches the body decoder itself.
      await codeOf(
        decodeSubmission(
          await forge(body, { tensors: 1 + ((body[0] ?? 0) % 3), entries: 1 + ((body[1] ?? 0) % 8) }),
          limits,
        ),
      );
      await codeOf(decodeSubmission(body, limits));
    }),
    { numRuns: 1000 },
  );
});

test('a header cannot make the decoder take memory that the bytes could not fill', async () => {
  const huge = layoutOf([['w', [2 ** 31]]]);
  const claims = { tensors: 1, entries: 100_000_000, inflated: 601_048_578 };
  const bytes = await forge(new Uint8Array(100), claims);
  const streamBytes = bytes.length - SUBMISSION_HEADER_BYTES;
  assert.deepEqual(
    await infoOf(decodeSubmission(bytes, { layout: huge, maxEntries: 2 ** 31, maxInflatedBytes: 2 ** 40 })),
    {
      code: 'WIRE_INFLATE_LIMIT',
      declaredBytes: 601_048_578,
      allowedBytes: 1032 * streamBytes,
    },
  );
});
