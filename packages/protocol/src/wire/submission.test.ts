/** @file Formats side by side: the version byte decides, a task's format is enforced, feedback gets what is decoded. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorCodeOf } from '../errors.js';
import type { SparseDelta } from '../sparseDelta.js';
import { layoutOf } from '../tensorLayout.js';
import { testHeader as header } from '../testing/testHeader.js';
import { SUBMISSION_HEADER_BYTES } from './binaryV2.js';
import {
  decodeAnySubmission,
  decodeAnySubmissionHeader,
  deltaAsDecoded,
  encodeAnySubmission,
  type WireFormat,
} from './submission.js';

const layout = layoutOf([['w', [9000]]]);
const indices = Uint32Array.from({ length: 90 }, (_, i) => 97 * i);
const delta: SparseDelta = {
  tensors: [{ tensor: 0, indices, values: Float32Array.from(indices, (i) => Math.sin(i)) }],
};
const limits = { layout, maxEntries: 100, maxInflatedBytes: 1000 };
const formats: WireFormat[] = [
  { wire: 'binary_v2' },
  { wire: 'binary_v3', valueBits: 8 },
  { wire: 'binary_v3', valueBits: 4 },
  { wire: 'binary_v3', valueBits: 2 },
];

test('every format is told by its bytes, and gives what the sender knew it would', async () => {
  for (const format of formats) {
    const bytes = await encodeAnySubmission(header, delta, { layout, format });
    const bodyBytes = bytes.length - SUBMISSION_HEADER_BYTES;
    assert.deepEqual(decodeAnySubmissionHeader(bytes), {
      ...{ format, header, bodyBytes },
      ...{ tensorCount: 1, entryCount: 90 },
    });
    const seen = await decodeAnySubmission(bytes, limits);
    assert.deepEqual(seen, { format, header, delta: deltaAsDecoded(delta, format) });
    assert.deepEqual(await encodeAnySubmission(header, seen.delta, { layout, format }), bytes);
  }
});

test('another format than the task asks for is refused', async () => {
  for (const format of formats) {
    const bytes = await encodeAnySubmission(header, delta, { layout, format });
    for (const asked of formats) {
      const answer = await decodeAnySubmission(bytes, { ...limits, format: asked }).then(
        () => 'ok',
        errorCodeOf,
      );
      assert.equal(answer, asked === format ? 'ok' : 'WIRE_UNEXPECTED');
    }
  }
});

test('unknown versions and short bytes are refused as by the formats themselves', async () => {
  const bytes = await encodeAnySubmission(header, delta, { layout, format: formats[1]! });
  bytes[4] = 4;
  assert.equal(await decodeAnySubmission(bytes, limits).catch(errorCodeOf), 'WIRE_VERSION');
  assert.equal(await decodeAnySubmission(new Uint8Array(3), limits).catch(errorCodeOf), 'WIRE_TRUNCATED');
  assert.equal(await decodeAnySubmission(new Uint8Array(0), limits).catch(errorCodeOf), 'WIRE_TRUNCATED');
});
