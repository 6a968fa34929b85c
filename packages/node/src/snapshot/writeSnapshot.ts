/**
 * @file Writes the state of the head into a snapshot file, a chunk per turn of the event loop, while blocks go on: the
 * database shows the writer the state as it was when it began. The file appears under its name only when it is whole.
 */
import { open, rename, rm } from 'node:fs/promises';
import { toHex } from '@alice/protocol';
import type { Chain } from '../Chain.js';
import { encodeEntries, encodeList } from './chunks.js';
import {
  encodeManifest,
  SNAPSHOT_FORMAT,
  type SnapshotChunk,
  type SnapshotManifest,
  sha256Of,
} from './manifest.js';
import { SNAPSHOT_MAGIC, trailerOf } from './SnapshotFile.js';

/** Resolves when the file is on disk. Cost: one pass over the state; memory of one chunk. */
export async function writeSnapshot(chain: Chain, path: string): Promise<SnapshotManifest> {
  const { header, extrinsics } = chain.head;
  const pieces = encodeEntries(chain.entries());
  // The first read fixes which state is seen, so it must come before anything is awaited.
  let next = pieces.next();
  const chunks: SnapshotChunk[] = [];
  let entries = 0;
  const temporary = `${path}.part`;
  const file = await open(temporary, 'w');
  try {
    const append = async (chunk: Uint8Array): Promise<void> => {
      chunks.push({ bytes: chunk.length, sha256: toHex(sha256Of(chunk)) });
      await file.write(chunk);
    };
    await file.write(SNAPSHOT_MAGIC);
    await append(encodeList(extrinsics));
    for (; !next.done; next = pieces.next()) {
      await append(next.value.chunk);
      entries += next.value.entries;
    }
    const manifest = { format: SNAPSHOT_FORMAT, genesisHash: chain.genesisHash, header, entries, chunks };
    const encoded = encodeManifest(manifest);
    await file.write(encoded);
    await file.write(trailerOf(encoded));
    await file.sync();
    await file.close();
    await rename(temporary, path);
    return manifest;
  } catch (error) {
    pieces.return?.();
    await file.close().catch(() => undefined);
    await rm(temporary, { force: true });
    throw error;
  }
}
