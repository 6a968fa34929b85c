/**
 * @file Uploads on their way to the blob store: a file each in a folder that only this node uses, hashed as it is written.
 * What a killed process left there is removed when the folder is opened. A file becomes a blob only after it is on disk.
 */
import { createHash, randomUUID } from 'node:crypto';
import { closeSync, fsync, mkdirSync, openSync, readdirSync, rmSync, writeSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { toHex } from '@alice/protocol';
import type { BlobRef } from '../blobs/BlobStore.js';

const sync = promisify(fsync);

/** Empties the folder, or makes it; returns how many files were left there. */
export function sweepSpool(dir: string): number {
  mkdirSync(dir, { recursive: true });
  const left = readdirSync(dir);
  for (const name of left) rmSync(join(dir, name), { force: true });
  return left.length;
}

export class SpooledFile {
  readonly path: string;
  readonly #file: number;
  readonly #hash = createHash('sha256');
  #isOpen = true;
  #sizeBytes = 0;

  constructor(dir: string) {
    this.path = join(dir, randomUUID());
    this.#file = openSync(this.path, 'w');
  }

  add(part: Uint8Array): void {
    for (let at = 0; at < part.length; ) at += writeSync(this.#file, part, at);
    this.#hash.update(part);
    this.#sizeBytes += part.length;
  }

  /** Resolves when all of it is on disk. */
  async end(): Promise<BlobRef> {
    try {
      await sync(this.#file);
    } finally {
      this.#close();
    }
    return { hash: toHex(this.#hash.digest()), sizeBytes: this.#sizeBytes };
  }

  async read(): Promise<Uint8Array> {
    return new Uint8Array(await readFile(this.path));
  }

  remove(): void {
    this.#close();
    rmSync(this.path, { force: true });
  }

  #close(): void {
    if (this.#isOpen) closeSync(this.#file);
    this.#isOpen = false;
  }
}
