/**
 * @file A stored FP32 vector of the model's size (a master, a region's residual) by ranges, in order, each hashed as it is read: it
 * is the one its name says only when all of it has been read and `check` says so, so nothing made of it may be used before.
 */
import { createHash } from 'node:crypto';
import { bytesOf, type HashHex, type TensorLayout, toHex } from '@alice/protocol';
import type { WeightReader } from '@alice/training';
import { type BlobStore, corruptBlob, missingBlob } from '../blobs/BlobStore.js';

/** Of one element. */
export const VECTOR_BYTES = 4;

export interface VectorReader {
  /** Good until the next range is read. Throws `BLOB_MISSING`. */
  readonly read: WeightReader;
  /** Throws `BLOB_CORRUPT` unless everything was read and is what was stored. */
  check(): void;
}

/** Throws `BLOB_MISSING`, and `BLOB_CORRUPT` for one of another model's size. */
export async function readVector(
  blobs: BlobStore,
  hash: HashHex,
  layout: TensorLayout,
): Promise<VectorReader> {
  const sizeBytes = await blobs.sizeBytes(hash);
  if (sizeBytes === undefined) throw missingBlob(hash);
  if (sizeBytes !== VECTOR_BYTES * layout.size) throw corruptBlob(hash, `${sizeBytes} bytes`);
  const digest = createHash('sha256');
  let memory = new Float32Array();
  return {
    async read(offset, size) {
      if (memory.length < size) memory = new Float32Array(size);
      const weights = memory.subarray(0, size);
      await blobs.readInto(hash, VECTOR_BYTES * offset, bytesOf(weights));
      digest.update(bytesOf(weights));
      return weights;
    },
    check() {
      const actual = toHex(digest.digest());
      if (actual !== hash) throw corruptBlob(hash, actual);
    },
  };
}
