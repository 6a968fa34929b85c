/**
 * @file Blobs from one store to another, a piece at a time through a file, each checked against its name: a master of 7
 * billion parameters is larger than what Node reads at once.
 */
import type { HashHex } from '@alice/protocol';
import { type BlobStore, missingBlob } from '../blobs/BlobStore.js';
import type { NewScratchFile } from '../compute/scratchFolder.js';

const PIECE_BYTES = 2 ** 24;

/** Throws `BLOB_MISSING`, `BLOB_CORRUPT`, `DISK_FULL`. */
export async function copyBlob(
  hash: string,
  { from, to, newFile }: { from: BlobStore; to: BlobStore; newFile: NewScratchFile },
): Promise<void> {
  const sizeBytes = await from.sizeBytes(hash);
  if (sizeBytes === undefined) throw missingBlob(hash);
  const file = newFile({ hashed: true });
  const piece = new Uint8Array(Math.min(PIECE_BYTES, sizeBytes));
  for (let at = 0; at < sizeBytes; at += piece.length) {
    const part = piece.subarray(0, Math.min(piece.length, sizeBytes - at));
    await from.readInto(hash, at, part);
    file.append(part);
  }
  await file.becomeBlob(to, hash as HashHex);
  file.remove();
}
