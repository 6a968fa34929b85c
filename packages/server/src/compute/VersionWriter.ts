/**
 * @file Stores a model version that comes part by part: its halves in snapshot chunks, its master in one blob, its root from
 * both. Everything is a blob before `finish` returns; before that only chunks are, which nothing refers to.
 */
import { createHash } from 'node:crypto';
import {
  bytesOf,
  littleEndianBytes,
  SnapshotCutter,
  StateRootBuilder,
  type TensorLayout,
} from '@alice/protocol';
import type { BlobRef, BlobStore } from '../blobs/BlobStore.js';
import type { Candidate } from '../state/rounds.js';
import type { NewScratchFile, ScratchFile } from './scratchFolder.js';

export interface VersionPart {
  readonly master: Float32Array;
  readonly halves: Uint16Array;
}

export class VersionWriter {
  readonly #blobs: BlobStore;
  readonly #root: StateRootBuilder;
  readonly #cutter = new SnapshotCutter();
  readonly #chunks: BlobRef[] = [];
  readonly #master: ScratchFile;

  constructor(layout: TensorLayout, blobs: BlobStore, newFile: NewScratchFile) {
    this.#blobs = blobs;
    this.#root = new StateRootBuilder(layout, () => createHash('sha256'));
    this.#master = newFile({ hashed: true });
  }

  /** The next elements in layout order. Throws `DISK_FULL`. */
  async add({ master, halves }: VersionPart): Promise<void> {
    this.#root.add(halves);
    this.#master.append(bytesOf(master));
    await this.#storeChunks(this.#cutter.add(littleEndianBytes(halves)));
  }

  /** Once all elements have come. Throws `DISK_FULL`. */
  async finish(): Promise<Pick<Candidate, 'stateRoot' | 'master' | 'snapshot'>> {
    const stateRoot = this.#root.finish();
    await this.#storeChunks(this.#cutter.finish());
    const master = await this.#master.becomeBlob(this.#blobs);
    const sizeBytes = this.#chunks.reduce((sum, chunk) => sum + chunk.sizeBytes, 0);
    const snapshot = { sizeBytes, chunkBytes: this.#cutter.chunkBytes, chunks: this.#chunks };
    return { stateRoot, master, snapshot };
  }

  /** Side by side: what takes time is waiting for the disk. */
  async #storeChunks(chunks: Iterable<Uint8Array>): Promise<void> {
    this.#chunks.push(...(await Promise.all([...chunks].map((chunk) => this.#blobs.put(chunk)))));
  }
}
