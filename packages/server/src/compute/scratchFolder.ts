/**
 * @file Files that a fold puts things aside in: its folder belongs to one compute thread, so whatever lies in it when it is
 * opened was left by a killed one and is removed. Nothing in it is the truth; a result leaves it by being adopted as a blob.
 * Synchronous: this is a thread that does nothing else meanwhile.
 */
import { createHash, type Hash, randomUUID } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { type HashHex, type Scratch, toHex } from '@alice/protocol';
import { type BlobRef, type BlobStore, corruptBlob } from '../blobs/BlobStore.js';
import { writeError } from '../errors.js';

export interface ScratchFolder {
  /** Runs work that uses files; they are gone afterwards, however it ends. */
  use<T>(work: (newFile: NewScratchFile) => Promise<T>): Promise<T>;
}

/** `hashed`: a file that becomes a blob. */
export type NewScratchFile = (options?: { hashed?: boolean }) => ScratchFile;

export function openScratchFolder(dir: string): ScratchFolder {
  mkdirSync(dir, { recursive: true });
  for (const name of readdirSync(dir)) rmSync(join(dir, name), { recursive: true, force: true });
  return {
    async use(work) {
      const files: ScratchFile[] = [];
      try {
        return await work(({ hashed = false } = {}) => {
          const file = new ScratchFile(join(dir, randomUUID()), hashed);
          files.push(file);
          return file;
        });
      } finally {
        for (const file of files) file.remove();
      }
    },
  };
}

/** Writing throws `DISK_FULL`. */
export class ScratchFile implements Scratch {
  readonly path: string;
  readonly #file: number;
  readonly #hash: Hash | undefined;
  #sizeBytes = 0;
  #isOpen = true;

  constructor(path: string, hashed: boolean) {
    this.path = path;
    this.#hash = hashed ? createHash('sha256') : undefined;
    try {
      this.#file = openSync(path, 'w+');
    } catch (error) {
      throw writeError(error);
    }
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  append(bytes: Uint8Array): void {
    this.write(this.#sizeBytes, bytes);
    this.#hash?.update(bytes);
  }

  /** Only of a file that is not hashed. */
  write(from: number, bytes: Uint8Array): void {
    try {
      for (let at = 0; at < bytes.length; )
        at += writeSync(this.#file, bytes, at, bytes.length - at, from + at);
    } catch (error) {
      throw writeError(error);
    }
    this.#sizeBytes = Math.max(this.#sizeBytes, from + bytes.length);
  }

  read(from: number, into: Uint8Array): void {
    for (let at = 0; at < into.length; ) {
      const got = readSync(this.#file, into, at, into.length - at, from + at);
      if (got === 0)
        throw new Error(`cannot happen: ${from + at} bytes of ${this.#sizeBytes} put aside are left`);
      at += got;
    }
  }

  clear(): void {
    ftruncateSync(this.#file);
    this.#sizeBytes = 0;
  }

  /** A hashed file becomes a blob, if it is the one that is expected. Throws `DISK_FULL`, `BLOB_CORRUPT`. */
  async becomeBlob(blobs: BlobStore, expected?: HashHex): Promise<BlobRef> {
    if (!this.#hash) throw new Error('cannot happen: only a hashed file becomes a blob');
    try {
      fsyncSync(this.#file);
    } catch (error) {
      throw writeError(error);
    }
    const ref = { hash: toHex(this.#hash.digest()), sizeBytes: this.#sizeBytes };
    if (expected !== undefined && ref.hash !== expected) throw corruptBlob(expected, ref.hash);
    await blobs.adopt(this.path, ref);
    return ref;
  }

  remove(): void {
    if (this.#isOpen) closeSync(this.#file);
    this.#isOpen = false;
    rmSync(this.path, { force: true });
  }
}
