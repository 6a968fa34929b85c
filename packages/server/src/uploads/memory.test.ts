/**
 * @file What an upload costs in memory, counted: a submission of 16 MB for a model of 7 billion parameters goes through in
 * parts, and at no moment is more of it held than a part or two and what its check has to remember.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { before, describe, it } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { modelLayout, presets } from '@alice/model';
import {
  encodeAnySubmission,
  SUBMISSION_HEADER_BYTES,
  type SubmissionLimits,
  seededRandom,
  silentLogger,
} from '@alice/protocol';
import { contentHash } from '../blobs/BlobStore.js';
import { defaultServerLimits } from '../options.js';
import { ArrivingUpload } from './ArrivingUpload.js';
import { createBrokenUploads } from './BrokenUploads.js';
import { startIntake } from './Intake.js';
import { openUploadBody } from './UploadBody.js';

const PART_BYTES = 65_536;
const MEGABYTE = 2 ** 20;
const layout = modelLayout(presets['7b']);
const limits: SubmissionLimits = { layout, maxEntries: layout.size, maxInflatedBytes: 6 * layout.size };
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Of all buffers that anything still refers to: what one collection finds, the next one's beginning has freed. */
function buffersHeld(): number {
  collect();
  collect();
  return process.memoryUsage().arrayBuffers;
}

describe('an upload of 16 MB', () => {
  let bytes: Uint8Array;

  before(async () => {
    bytes = await largeSubmission();
    assert.ok(bytes.length > 15_000_000 && bytes.length < 16_500_000, `${bytes.length} bytes`);
  });

  it('is hashed, written and checked without being held', async (t) => {
    const dir = mkdtempSync(join(tmpdir(), 'alice-spool-'));
    t.after(() => rmSync(dir, { recursive: true }));
    const before = buffersHeld();
    const upload = ArrivingUpload.begin(bytes, { dir, limits });
    let most = 0;
    for (let at = SUBMISSION_HEADER_BYTES; at < bytes.length; at += PART_BYTES) {
      upload.add(bytes.subarray(at, at + PART_BYTES));
      if (Math.floor(at / PART_BYTES) % 16 === 0) most = Math.max(most, buffersHeld() - before);
    }
    const checked = await upload.end();
    assert.deepEqual([checked.sizeBytes, checked.hash], [bytes.length, contentHash(bytes)]);
    assert.ok(most > 0.1 * MEGABYTE && most < 2.2 * MEGABYTE, `${most} bytes were held`);
    upload.file.remove();
    assert.deepEqual(readdirSync(dir), []);
  });

  it('crosses to the intake thread a part at a time, however many come at once', async (t) => {
    const dir = mkdtempSync(join(tmpdir(), 'alice-spool-'));
    const intake = startIntake(
      { blobs: join(dir, 'blobs'), dir: join(dir, 'incoming'), limits, threads: 2 },
      silentLogger,
    );
    const broken = createBrokenUploads(intake, { limits: defaultServerLimits });
    t.after(async () => {
      broken.close();
      await intake.close();
      rmSync(dir, { recursive: true });
    });
    const send = async (): Promise<void> => {
      const parts = Readable.from(cut(bytes), { highWaterMark: 1 });
      const limits = { limitBytes: bytes.length, idleMs: 60_000 };
      const body = openUploadBody({ stream: parts, bodyBytes: bytes.length, limits }, { intake, broken });
      const { hash } = await body.receive();
      assert.equal(hash, contentHash(bytes));
      await body.keep();
      body.close();
    };
    await Promise.all([send(), send(), send()]);
    const { heldBytes, peakBytes } = intake.budget;
    assert.equal(heldBytes, 0);
    assert.ok(peakBytes > 0 && peakBytes <= 3 * PART_BYTES, `${peakBytes} bytes were on their way at once`);
    for (const thread of ['0', '1']) assert.deepEqual(readdirSync(join(dir, 'incoming', thread)), []);
  });
});

function* cut(bytes: Uint8Array): Generator<Uint8Array> {
  // Buffers, as sockets give them.
  for (let at = 0; at < bytes.length; at += PART_BYTES)
    yield Buffer.from(bytes.slice(at, at + PART_BYTES).buffer);
}

/** 0.1% of the elements with values of 8 bits, as the whitepaper has it. */
function largeSubmission(): Promise<Uint8Array> {
  const random = seededRandom('7b');
  const tensors = layout.tensors.map(({ size }, tensor) => {
    const count = Math.max(1, Math.floor(0.001 * size));
    const stride = Math.floor(size / count);
    const indices = Uint32Array.from({ length: count }, (_, i) => i * stride + (random.u32() % stride));
    return { tensor, indices, values: Float32Array.from(indices, () => random.u32() - 2 ** 31) };
  });
  const header = {
    taskId: `0x${'01'.repeat(16)}`,
    nonce: `0x${'02'.repeat(32)}`,
    stateRoot: `0x${'03'.repeat(32)}`,
    ...{ baseVersion: 1, innerSteps: 16, tokens: 65_536, meanTrainingLossNats: 4 },
  } as const;
  return encodeAnySubmission(header, { tensors }, { layout, format: { wire: 'binary_v3', valueBits: 8 } });
}
