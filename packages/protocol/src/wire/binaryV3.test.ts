/** @file `binary_v3`: round trip, the byte table, one encoding per content, each refusal, size, and fuzzing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { seededRandom } from '../random.js';
import { entryCount, type SparseDelta } from '../sparseDelta.js';
import { layoutOf, type TensorLayout } from '../tensorLayout.js';
import { testHeader as header } from '../testing/testHeader.js';
import { SUBMISSION_HEADER_BYTES, type SubmissionHeader, type SubmissionLimits } from './binaryV2.js';
import { decodeSubmissionHeaderV3, decodeSubmissionV3, encodeSubmissionV3 } from './binaryV3.js';
import { CountModel } from './CountModel.js';
import { WireError, type WireErrorInfo } from './errors.js';
import { roundDelta, VALUE_BITS, type ValueBits } from './quantize.js';
import { RangeEncoder } from './RangeEncoder.js';

const layout = layoutOf([
  ['embed', [5000, 2]],
  ['norm', [7]],
  ['head', [4097]],
]);
const delta: SparseDelta = {
  tensors: [
    { tensor: 0, indices: Uint32Array.of(0, 4095, 4096, 9999), values: Float32Array.of(1, -0.5, 0.5, 1) },
    { tensor: 2, indices: Uint32Array.of(4096), values: Float32Array.of(-2) },
  ],
};
const limits: SubmissionLimits = { layout, maxEntries: 10_000, maxInflatedBytes: 1_000_000 };
const encode = (part: SparseDelta, valueBits: ValueBits, shapes = layout): Promise<Uint8Array> =>
  encodeSubmissionV3(header, part, { layout: shapes, valueBits });
const generous = (shapes: TensorLayout): SubmissionLimits => ({
  layout: shapes,
  maxEntries: shapes.size,
  maxInflatedBytes: 6 * shapes.size,
});

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

/** Entries of every tensor, each with the given chance, normal values; at least one entry. */
function randomDelta(seed: string, shapes: TensorLayout, density: number): SparseDelta {
  const random = seededRandom(seed);
  const tensors = shapes.tensors.flatMap(({ size }, tensor) => {
    const indices = Uint32Array.from({ length: size }, (_, i) => i).filter(() => random.unit() < density);
    return indices.length === 0
      ? []
      : [{ tensor, indices, values: Float32Array.from(indices, () => 0.01 * random.normal()) }];
  });
  if (tensors.length > 0) return { tensors };
  return { tensors: [{ tensor: 0, indices: Uint32Array.of(0), values: Float32Array.of(1) }] };
}

/** The frame of a valid submission around another body. */
async function forge(
  body: Uint8Array,
  claims: { tensors: number; entries: number; countBytes: number; valueBits?: ValueBits },
): Promise<Uint8Array> {
  const head = (await encode(delta, claims.valueBits ?? 8)).subarray(0, SUBMISSION_HEADER_BYTES);
  const bytes = new Uint8Array([...head, ...body]);
  const view = new DataView(bytes.buffer);
  view.setUint16(98, claims.tensors, true);
  view.setUint32(104, claims.entries, true);
  view.setUint32(108, claims.countBytes, true);
  view.setUint32(112, body.length, true);
  return bytes;
}

test('a submission comes back rounded, the header as it was', async () => {
  for (const valueBits of VALUE_BITS) {
    const bytes = await encode(delta, valueBits);
    assert.deepEqual(
      await decodeSubmissionV3(bytes, limits),
      { header, delta },
      'these values need no rounding',
    );
    const shifted = new Uint8Array(bytes.length + 3);
    shifted.set(bytes, 3);
    assert.deepEqual(
      await decodeSubmissionV3(shifted.subarray(3), limits),
      { header, delta },
      'at any alignment',
    );
    const frame = decodeSubmissionHeaderV3(bytes.subarray(0, SUBMISSION_HEADER_BYTES));
    const bodyBytes = bytes.length - SUBMISSION_HEADER_BYTES;
    const countBytes = bodyBytes - 6 - 8 - Math.ceil((5 * valueBits) / 8);
    assert.deepEqual(frame, { header, tensorCount: 2, entryCount: 5, valueBits, countBytes, bodyBytes });
  }
});

test('the bytes are those of the specification', async () => {
  const hex = Buffer.from(await encode(delta, 2)).toString('hex');
  assert.equal(
    hex.slice(0, 216),
    '414c4232' +
      '03010302' +
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
  const body = hex.slice(232);
  assert.equal(body.slice(-20, -4), '007e007f' + '00800080'); // 0.5, 1; 2, 2
  assert.equal(body.slice(-4), '4902'); // 01 10 00 01 | 10, lowest bits first
  assert.equal(body.slice(0, -20), INDEX_STREAM);
});
const INDEX_STREAM = '881becb8' + '803ffc003ff8'; // counts, positions

test('any delta over any layout comes back as rounded, and encodes to the same bytes', async () => {
  const property = fc.asyncProperty(
    fc.array(fc.integer({ min: 1, max: 9000 }), { minLength: 1, maxLength: 5 }),
    fc.constantFrom(0.0003, 0.001, 0.03, 0.5, 0.97, 1),
    fc.constantFrom(...VALUE_BITS),
    fc.string(),
    async (dims, density, bits, seed) => {
      const shapes = layoutOf(dims.map((dim, i) => [`t${i}`, [dim]]));
      const sent = randomDelta(seed, shapes, density);
      const bytes = await encode(sent, bits, shapes);
      const received = (await decodeSubmissionV3(bytes, generous(shapes))).delta;
      assert.deepEqual(received, roundDelta(sent, bits));
      assert.deepEqual(await encode(received, bits, shapes), bytes);
    },
  );
  await fc.assert(property, { numRuns: 60 });
});

test('one entry, all entries, all but one, and one in the last chunk of a large tensor', async () => {
  const shapes = layoutOf([
    ['a', [3 * 4096 + 5]],
    ['b', [1]],
    ['c', [200 * 4096]],
  ]);
  const size = 3 * 4096 + 5;
  const cases = [
    Uint32Array.of(0),
    Uint32Array.of(size - 1),
    Uint32Array.from({ length: size }, (_, i) => i),
    Uint32Array.from({ length: size - 1 }, (_, i) => (i < 5000 ? i : i + 1)),
  ];
  for (const indices of cases) {
    const part = { tensors: [{ tensor: 0, indices, values: new Float32Array(indices.length).fill(-3) }] };
    const bytes = await encode(part, 2, shapes);
    assert.deepEqual((await decodeSubmissionV3(bytes, generous(shapes))).delta, part);
  }
  const far = {
    tensors: [{ tensor: 2, indices: Uint32Array.of(200 * 4096 - 1), values: Float32Array.of(1) }],
  };
  const bytes = await encode(far, 8, shapes);
  assert.deepEqual((await decodeSubmissionV3(bytes, generous(shapes))).delta, far);
  assert.ok(
    bytes.length < SUBMISSION_HEADER_BYTES + 20,
    `${bytes.length} bytes: 199 empty chunks cost nearly nothing`,
  );
});

test('sizes: 2.6 bytes an entry at 0.1%, 1.15 at 3% with two bits', async () => {
  const shapes = layoutOf([['w', [256 * 4096]]]);
  for (const [density, bits, most] of [
    [0.001, 8, 2.6],
    [0.03, 2, 1.15],
  ] as const) {
    const sent = randomDelta('size', shapes, density);
    const bytes = await encode(sent, bits, shapes); // the header, paid once, would weigh 0.1 bytes an entry here
    const perEntry = (bytes.length - SUBMISSION_HEADER_BYTES) / entryCount(sent);
    assert.ok(perEntry <= most, `${perEntry} bytes an entry`);
  }
});

test('each header field out of place has its code', async () => {
  const bytes = await encode(delta, 8);
  const patched = async (at: number, ...values: number[]): Promise<WireErrorInfo | 'ok'> => {
    const copy = bytes.slice();
    copy.set(values, at);
    return infoOf(decodeSubmissionV3(copy, limits));
  };
  const body = bytes.length - SUBMISSION_HEADER_BYTES;
  assert.deepEqual(await patched(3, 0x33), { code: 'WIRE_MAGIC', format: 'submission' });
  assert.deepEqual(await patched(4, 2), {
    code: 'WIRE_VERSION',
    format: 'submission',
    version: 2,
    supported: 3,
  });
  assert.deepEqual(await patched(5, 0), { code: 'WIRE_SIGN', sign: 0 });
  assert.deepEqual(await patched(6, 1), { code: 'WIRE_DTYPE', dtype: 1 });
  for (const width of [0, 1, 3, 16, 255])
    assert.deepEqual(await patched(7, width), { code: 'WIRE_FIELD', field: 'valueBits', value: width });
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
  assert.equal(((await patched(108, body)) as { code: string }).code, 'WIRE_TRUNCATED');
  assert.equal(((await patched(108, 0, 0, 0, 0xff)) as { code: string }).code, 'WIRE_TRUNCATED');
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
  assert.equal(await codeOf(decodeSubmissionV3(bytes, { ...limits, maxEntries: 4 })), 'WIRE_ENTRY_LIMIT');
  assert.deepEqual(await infoOf(decodeSubmissionV3(bytes, { ...limits, maxInflatedBytes: 29 })), {
    code: 'WIRE_INFLATE_LIMIT',
    declaredBytes: 30,
    allowedBytes: 29,
  });
  const other = decodeSubmissionV3(bytes, { ...limits, expected: { baseVersion: 8 } });
  assert.equal(await codeOf(other), 'WIRE_UNEXPECTED');
});

/** A count stream that says anything at all about presence and counts. */
function stream(say: (coder: RangeEncoder, model: CountModel) => void): Uint8Array {
  const coder = new RangeEncoder();
  say(coder, new CountModel());
  return coder.finish();
}

test('counts that lie have their codes', async () => {
  const lie = async (
    entries: number,
    say: (coder: RangeEncoder, model: CountModel) => void,
    tensors = 1,
  ): Promise<WireErrorInfo | 'ok'> => {
    const index = stream(say);
    const values = new Uint8Array(4 * tensors + entries); // scales 0, 0: all values 0
    const body = new Uint8Array([...index, ...values]);
    return infoOf(
      decodeSubmissionV3(await forge(body, { tensors, entries, countBytes: index.length }), limits),
    );
  };
  const norm = (coder: RangeEncoder, model: CountModel): void => {
    model.encodePresence(coder, 0);
    model.encodePresence(coder, 1);
  };
  assert.deepEqual(
    await lie(7, (c, m) => {
      norm(c, m);
      m.encode(c, 7);
    }),
    'ok',
  );
  assert.deepEqual(
    await lie(8, (c, m) => {
      norm(c, m);
      m.encode(c, 8);
    }),
    { code: 'WIRE_COUNT', what: 'chunk', expected: 7, got: 8 },
  );
  assert.deepEqual(
    await lie(6, (c, m) => {
      norm(c, m);
      m.encode(c, 7);
    }),
    { code: 'WIRE_COUNT', what: 'entries', expected: 6, got: 7 },
  );
  assert.deepEqual(
    await lie(8, (c, m) => {
      norm(c, m);
      m.encode(c, 7);
    }),
    { code: 'WIRE_COUNT', what: 'entries', expected: 8, got: 7 },
  );
  assert.deepEqual(
    await lie(1, (c, m) => {
      m.encodePresence(c, 1);
      for (const full of [4096, 4096, 1808]) m.encode(c, full); // full chunks cost nothing but would take memory
    }),
    { code: 'WIRE_COUNT', what: 'entries', expected: 1, got: 4096 },
    'refused at the first chunk, not after filling all',
  );
  assert.deepEqual(
    await lie(1, (c, m) => {
      norm(c, m);
      m.encode(c, 0);
    }),
    { code: 'WIRE_EMPTY' },
  );
  assert.deepEqual(
    await lie(1, (c, m) => {
      for (let tensor = 0; tensor < 3; tensor++) m.encodePresence(c, 0);
    }),
    { code: 'WIRE_COUNT', what: 'tensors', expected: 1, got: 0 },
  );
  assert.equal(
    (
      (await lie(4097, (c, m) => {
        m.encodePresence(c, 1);
        m.encode(c, 4097);
      })) as { code: string }
    ).code,
    'WIRE_NOT_CANONICAL',
  );
});

test('a header cannot make the decoder take memory that the bytes could not fill', async () => {
  const huge = layoutOf([['w', [2 ** 31]]]);
  const bytes = await forge(new Uint8Array(100), {
    tensors: 1,
    entries: 100_000_000,
    countBytes: 10,
    valueBits: 2,
  });
  assert.deepEqual(
    await infoOf(decodeSubmissionV3(bytes, { layout: huge, maxEntries: 2 ** 31, maxInflatedBytes: 2 ** 40 })),
    { code: 'WIRE_TRUNCATED', needBytes: 25_000_014, gotBytes: 100 },
  );
});

test('a count may be written in one way only', async () => {
  // 7 after 7 is "as before"; spelling it out needs a model that has forgotten, which the decoder has not.
  const shapes = layoutOf([['w', [4096 + 7]]]);
  const index = stream((c, m) => {
    m.encodePresence(c, 1);
    m.encode(c, 7);
    Object.assign(m, { previous: -1 });
    m.encode(c, 7);
  });
  const body = new Uint8Array([...index, ...new Uint8Array(4 + 14)]);
  const bytes = await forge(body, { tensors: 1, entries: 14, countBytes: index.length });
  assert.equal(await codeOf(decodeSubmissionV3(bytes, generous(shapes))), 'WIRE_NOT_CANONICAL');
});

test('spare bits, longer counts and longer positions are refused', async () => {
  const bytes = await encode(delta, 2); // 5 codes of 2 bits: 6 bits to spare
  for (const bit of [2, 4, 7]) {
    const copy = bytes.slice();
    copy[copy.length - 1]! |= 1 << bit;
    assert.equal(await codeOf(decodeSubmissionV3(copy, limits)), 'WIRE_NOT_CANONICAL');
  }
  const { countBytes, bodyBytes } = decodeSubmissionHeaderV3(bytes);
  const body = bytes.subarray(SUBMISSION_HEADER_BYTES);
  const claims = { tensors: 2, entries: 5, valueBits: 2 } as const;
  const wider = new Uint8Array([...body.subarray(0, countBytes), 0, ...body.subarray(countBytes)]);
  const valuesAt = bodyBytes - 8 - 2;
  const longer = new Uint8Array([...body.subarray(0, valuesAt), 0, ...body.subarray(valuesAt)]);
  assert.equal(
    await codeOf(decodeSubmissionV3(await forge(wider, { ...claims, countBytes: countBytes + 1 }), limits)),
    'WIRE_TRAILING_BYTES',
  );
  assert.equal(
    await codeOf(decodeSubmissionV3(await forge(longer, { ...claims, countBytes }), limits)),
    'WIRE_TRAILING_BYTES',
  );
  assert.equal(bodyBytes, body.length);
});

test('the encoder refuses what the decoder would', async () => {
  const of = (tensors: SparseDelta['tensors'], change: Partial<SubmissionHeader> = {}): Promise<string> =>
    codeOf(encodeSubmissionV3({ ...header, ...change }, { tensors }, { layout, valueBits: 4 }));
  const at = (
    tensor: number,
    index: number[],
    values = index.map(() => 1),
  ): SparseDelta['tensors'][number] => ({
    tensor,
    indices: Uint32Array.from(index),
    values: Float32Array.from(values),
  });
  assert.equal(await of([]), 'WIRE_EMPTY');
  assert.equal(await of([at(0, [1]), at(1, [])]), 'WIRE_EMPTY');
  assert.equal(await of([at(0, [2, 1])]), 'WIRE_INDEX_ORDER');
  assert.equal(await of([at(0, [2, 2])]), 'WIRE_INDEX_ORDER');
  assert.equal(await of([at(1, [7])]), 'WIRE_INDEX_RANGE');
  assert.equal(await of([at(1, [1]), at(0, [1])]), 'WIRE_TENSOR_ORDER');
  assert.equal(await of([at(3, [1])]), 'WIRE_TENSOR_RANGE');
  assert.equal(await of([at(0, [1], [Number.NaN])]), 'WIRE_NOT_FINITE');
  assert.equal(await of([at(0, [1], [1, 2])]), 'WIRE_COUNT');
  assert.equal(await of(delta.tensors, { innerSteps: 0 }), 'WIRE_FIELD');
  assert.equal(await of(delta.tensors, { nonce: '0x12' }), 'WIRE_FIELD');
});

test('cut anywhere it is refused', async () => {
  for (const bits of VALUE_BITS) {
    const bytes = await encode(randomDelta('cut', layout, 0.02), bits);
    for (let length = 0; length < bytes.length; length++)
      assert.equal(await codeOf(decodeSubmissionV3(bytes.subarray(0, length), limits)), 'WIRE_TRUNCATED');
    // The same with a header that agrees, so that the cut reaches the sections themselves.
    const { tensorCount: tensors, entryCount: entries, countBytes } = decodeSubmissionHeaderV3(bytes);
    for (let length = SUBMISSION_HEADER_BYTES; length < bytes.length; length++) {
      const body = bytes.subarray(SUBMISSION_HEADER_BYTES, length);
      const cut = await forge(body, { tensors, entries, countBytes, valueBits: bits });
      assert.equal(await codeOf(decodeSubmissionV3(cut, limits)), 'WIRE_TRUNCATED');
    }
  }
});

test('whatever is accepted is the only encoding of its content', async () => {
  const { accepted, refused } = { accepted: [0], refused: [0] };
  const bytesOf = await Promise.all(
    VALUE_BITS.flatMap((bits) => [encode(delta, bits), encode(randomDelta('mutate', layout, 0.01), bits)]),
  );
  const flip = fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 }));
  const property = fc.asyncProperty(
    fc.constantFrom(...bytesOf),
    fc.array(flip, { minLength: 1, maxLength: 3 }),
    async (bytes, flips) => {
      const mutated = bytes.slice();
      for (const [at, mask] of flips) {
        const body = bytes.length - SUBMISSION_HEADER_BYTES;
        mutated[SUBMISSION_HEADER_BYTES + (at % body)]! ^= mask;
      }
      let seen: Awaited<ReturnType<typeof decodeSubmissionV3>>;
      try {
        seen = await decodeSubmissionV3(mutated, limits);
      } catch (error) {
        if (!(error instanceof WireError)) throw error;
        refused[0]!++;
        return;
      }
      accepted[0]!++;
      const valueBits = decodeSubmissionHeaderV3(mutated).valueBits;
      assert.deepEqual(await encodeSubmissionV3(seen.header, seen.delta, { layout, valueBits }), mutated);
    },
  );
  await fc.assert(property, { numRuns: 4000 });
  assert.ok(
    accepted[0]! > 100 && refused[0]! > 100,
    `${accepted} accepted, ${refused} refused: both must be tried`,
  );
});

test('junk ends in a result or a WireError', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 120 }),
      fc.constantFrom(...VALUE_BITS),
      async (body, valueBits) => {
        const entries = 1 + ((body[1] ?? 0) % 8);
        const countBytes = (body[2] ?? 0) % (body.length + 1);
        const claims = { tensors: 1 + ((body[0] ?? 0) % 3), entries, countBytes, valueBits };
        await codeOf(decodeSubmissionV3(await forge(body, claims), limits));
        await codeOf(decodeSubmissionV3(body, limits));
      },
    ),
    { numRuns: 2000 },
  );
});
