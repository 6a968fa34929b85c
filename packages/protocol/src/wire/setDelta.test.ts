/** @file Set-deltas: exact, idempotent, strict. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deflateSync, inflateSync } from 'node:zlib';
import fc from 'fast-check';
import { layoutOf } from '../tensorLayout.js';
import { WireError, type WireErrorInfo } from './errors.js';
import { applySetDelta, decodeSetDelta, encodeSetDelta } from './setDelta.js';
import { SET_DELTA_HEADER_BYTES, type SetDeltaHeader } from './setDeltaEncoder.js';

const layout = layoutOf([
  ['a', [4100]],
  ['b', [3, 2]],
  ['c', [100]],
]);
const header: SetDeltaHeader = {
  fromVersion: 3,
  toVersion: 4,
  fromRoot: `0x${'11'.repeat(32)}`,
  toRoot: `0x${'22'.repeat(32)}`,
};

async function infoOf(run: Promise<unknown>): Promise<WireErrorInfo | 'ok'> {
  try {
    await run;
    return 'ok';
  } catch (error) {
    if (error instanceof WireError) return error.info;
    throw error;
  }
}

const vector = (...changes: [at: number, half: number][]): Uint16Array => {
  const halves = new Uint16Array(layout.size).fill(0x3c00);
  for (const [at, half] of changes) halves[at] = half;
  return halves;
};

test('apply(encode(a, b), a) is b bit for bit, and twice is once', async () => {
  const finite = fc
    .integer({ min: 0, max: 0xffff })
    .map((half) => ((half & 0x7c00) === 0x7c00 ? half & 0xfbff : half));
  const changes = fc.array(fc.tuple(fc.nat(layout.size - 1), finite), { maxLength: 300 });
  await fc.assert(
    fc.asyncProperty(changes, changes, async (first, second) => {
      const from = vector(...first);
      const to = vector(...second);
      const delta = await decodeSetDelta(await encodeSetDelta(header, { from, to, layout }), {
        layout,
        expected: header,
      });
      assert.deepEqual(delta.header, header);
      const differing = from.reduce((sum, half, i) => sum + (half === to[i] ? 0 : 1), 0);
      const copy = from.slice();
      assert.equal(applySetDelta(copy, delta), differing, 'only what changed is sent');
      assert.deepEqual(copy, to);
      applySetDelta(copy, delta);
      assert.deepEqual(copy, to);
    }),
    { numRuns: 150 },
  );
});

test('signed zeros and every element changing are exact', async () => {
  const from = vector([0, 0x0000]);
  const to = from.map((half, i) => (i === 0 ? 0x8000 : half ^ 1));
  const bytes = await encodeSetDelta(header, { from, to, layout });
  applySetDelta(from, await decodeSetDelta(bytes, { layout }));
  assert.deepEqual(from, to);
});

test('the bytes are those of the specification', async () => {
  const bytes = await encodeSetDelta(header, {
    from: vector(),
    to: vector([4096, 0x1234], [4101, 0xabcd]),
    layout,
  });
  const deflated = bytes.length - SET_DELTA_HEADER_BYTES;
  assert.equal(
    Buffer.from(bytes.subarray(0, SET_DELTA_HEADER_BYTES)).toString('hex'),
    '414c5344' +
      '01' +
      '02' +
      '0200' +
      '03000000' +
      '04000000' +
      '11'.repeat(32) +
      '22'.repeat(32) +
      '00000000' +
      '02000000' +
      '12000000' +
      `${deflated.toString(16).padStart(2, '0')}000000`,
  );
  assert.equal(
    inflateSync(bytes.subarray(SET_DELTA_HEADER_BYTES)).toString('hex'),
    '0000' + '0000' + '0100' + '0000' + '3412' + '0100' + '0100' + '0100' + 'cdab',
  );
});

test('wrong sizes, infinities, versions and foreign roots are refused', async () => {
  const from = vector();
  const to = vector([5, 0x3c01]);
  const short = new Uint16Array(5);
  assert.deepEqual(await infoOf(encodeSetDelta(header, { from: short, to, layout })), {
    code: 'WIRE_SIZE',
    expected: 4206,
    got: 5,
  });
  assert.deepEqual(await infoOf(encodeSetDelta(header, { from, to: vector([4101, 0x7c00]), layout })), {
    code: 'WIRE_NOT_FINITE',
    tensor: 1,
    index: 1,
  });
  assert.deepEqual(await infoOf(encodeSetDelta({ ...header, toVersion: 3 }, { from, to, layout })), {
    code: 'WIRE_FIELD',
    field: 'toVersion',
    value: 3,
  });
  const bytes = await encodeSetDelta(header, { from, to, layout });
  const delta = await decodeSetDelta(bytes, { layout });
  assert.throws(
    () => applySetDelta(short, delta),
    (error) => error instanceof WireError && error.code === 'WIRE_SIZE',
  );
  assert.equal(short[0], 0);
  assert.deepEqual(await infoOf(decodeSetDelta(bytes, { layout, expected: { fromVersion: 9 } })), {
    code: 'WIRE_UNEXPECTED',
    field: 'fromVersion',
    expected: '9',
    actual: '3',
  });
  assert.deepEqual(await infoOf(decodeSetDelta(bytes, { layout, maxInflatedBytes: 9 })), {
    code: 'WIRE_INFLATE_LIMIT',
    declaredBytes: 10,
    allowedBytes: 9,
  });
  const patched = async (at: number, value: number): Promise<string> => {
    const copy = bytes.slice();
    copy[at] = value;
    const info = await infoOf(decodeSetDelta(copy, { layout }));
    return info === 'ok' ? info : info.code;
  };
  assert.equal(await patched(0, 0), 'WIRE_MAGIC');
  assert.equal(await patched(4, 2), 'WIRE_VERSION');
  assert.equal(await patched(5, 1), 'WIRE_DTYPE');
  assert.equal(await patched(6, 4), 'WIRE_COUNT');
  assert.equal(await patched(12, 3), 'WIRE_FIELD');
  assert.equal(await patched(80, 1), 'WIRE_FIELD');
  assert.equal(await patched(87, 1), 'WIRE_ENTRY_LIMIT');
  assert.equal(await patched(91, 1), 'WIRE_INFLATE_LIMIT');
});

test('an infinity or NaN inside a well-formed body is refused', async () => {
  const bytes = await encodeSetDelta(header, { from: vector(), to: vector([4101, 0x1234]), layout });
  const body = inflateSync(bytes.subarray(SET_DELTA_HEADER_BYTES));
  for (const half of [0x7c00, 0xfc00, 0x7e01]) {
    body.writeUInt16LE(half, body.length - 2);
    const deflated = deflateSync(body);
    const forged = new Uint8Array([...bytes.subarray(0, SET_DELTA_HEADER_BYTES), ...deflated]);
    new DataView(forged.buffer).setUint32(92, deflated.length, true);
    assert.deepEqual(await infoOf(decodeSetDelta(forged, { layout })), {
      code: 'WIRE_NOT_FINITE',
      tensor: 1,
      index: 1,
    });
  }
});

test('cut anywhere it is refused; any mutation or junk ends in a result or a WireError', async () => {
  const bytes = await encodeSetDelta(header, {
    from: vector(),
    to: vector([1, 2], [4096, 3], [4200, 5]),
    layout,
  });
  for (let length = 0; length < bytes.length; length++) {
    const info = await infoOf(decodeSetDelta(bytes.subarray(0, length), { layout }));
    assert.equal(info !== 'ok' && info.code, 'WIRE_TRUNCATED', `cut at ${length}`);
  }
  const trailing = await infoOf(decodeSetDelta(new Uint8Array([...bytes, 0]), { layout }));
  assert.deepEqual(trailing, {
    code: 'WIRE_TRAILING_BYTES',
    expectedBytes: bytes.length,
    gotBytes: bytes.length + 1,
  });
  const flip = fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }));
  await fc.assert(
    fc.asyncProperty(
      fc.array(flip, { minLength: 1, maxLength: 5 }),
      fc.uint8Array({ maxLength: 200 }),
      async (flips, junk) => {
        const mutated = bytes.slice();
        for (const [at, mask] of flips) mutated[at]! ^= mask;
        await infoOf(decodeSetDelta(mutated, { layout }));
        await infoOf(decodeSetDelta(junk, { layout }));
      },
    ),
    { numRuns: 1500 },
  );
});
