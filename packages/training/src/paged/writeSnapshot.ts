/** @file Makes a file the halves of a snapshot, fetching only the chunks that it does not hold already. */
import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { PageHasher } from '@alice/model/node';
import { type HashHex, halvesOfBytes, type SnapshotIndex, StateRootBuilder, toHex } from '@alice/protocol';
import { TrainingError } from '../errors.js';
import type { ReplicaSource } from '../modelReplica.js';
import { readFully } from './readFully.js';
import type { Rewritten } from './rewriteHalves.js';

export interface SnapshotToWrite extends Pick<ReplicaSource, 'layout' | 'fetchBlob'> {
  readonly snapshot: SnapshotIndex;
}

/** Throws `REPLICA_SNAPSHOT_INVALID`, `REPLICA_BLOB_MISMATCH`. */
export async function writeSnapshot(
  file: FileHandle,
  { layout, snapshot, fetchBlob }: SnapshotToWrite,
): Promise<Rewritten> {
  requireIndex(snapshot, 2 * layout.size);
  const [pages, root] = [new PageHasher(), new StateRootBuilder(layout, () => createHash('sha256'))];
  for (const [chunk, { hash, sizeBytes }] of snapshot.chunks.entries()) {
    const place = chunk * snapshot.chunkBytes;
    let bytes: Uint8Array = new Uint8Array(sizeBytes);
    await readFully(file, bytes, place);
    if (sha256Of(bytes) !== hash) {
      const part = { beforeBytes: place, totalBytes: snapshot.sizeBytes };
      bytes = verified(await fetchBlob(hash as HashHex, part), hash);
      await file.write(bytes, 0, bytes.length, place);
    }
    pages.add(bytes);
    root.add(halvesOfBytes(bytes));
  }
  await file.truncate(snapshot.sizeBytes);
  return { pages: pages.finish(), stateRoot: root.finish() };
}

/** Throws `REPLICA_SNAPSHOT_INVALID` unless its chunks make up `expected` bytes. */
export function requireIndex({ sizeBytes, chunkBytes, chunks }: SnapshotIndex, expected: number): void {
  const isWhole =
    sizeBytes === expected &&
    chunkBytes % 2 === 0 &&
    chunks.length === Math.ceil(sizeBytes / chunkBytes) &&
    chunks.every((chunk, i) => chunk.sizeBytes === Math.min(chunkBytes, sizeBytes - i * chunkBytes));
  if (isWhole) return;
  throw new TrainingError(
    { code: 'REPLICA_SNAPSHOT_INVALID', sizeBytes, expected },
    `the snapshot's list of chunks does not make up the ${expected} bytes of this model`,
  );
}

function verified(bytes: Uint8Array, expected: string): Uint8Array {
  const actual = sha256Of(bytes);
  if (actual === expected) return bytes;
  throw new TrainingError(
    { code: 'REPLICA_BLOB_MISMATCH', expected, actual },
    `a downloaded chunk has hash ${actual} instead of ${expected}: fetch it from another mirror`,
  );
}

function sha256Of(bytes: Uint8Array): string {
  return toHex(createHash('sha256').update(bytes).digest());
}
