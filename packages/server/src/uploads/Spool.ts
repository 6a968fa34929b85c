/**
 * @file Uploads on their way to the blob store: a file each in a folder that only this node uses, hashed as it is written.
 * A file becomes a blob only after it is on disk. One that bears the name of its task and digest may be taken up again by a
 * later process; whatever else a killed one left is removed when the folder is opened.
 */
import { createHash, randomUUID } from 'node:crypto';
import {
  closeSync,
  fsync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type HashHex, toHex } from '@alice/protocol';
import type { BlobRef } from '../blobs/BlobStore.js';

const sync = promisify(fsync);
const READ_BYTES = 65_536;

/** Which upload a file holds the beginning of. */
export interface UploadName {
  readonly taskId: string;
  /** SHA-256 of the whole, as announced. */
  readonly digest: HashHex;
}

/** A file that an earlier process left. */
export interface LeftUpload extends UploadName {
  readonly dir: string;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
}

const FILE_NAME = /^(0x[0-9a-f]{32})-(0x[0-9a-f]{64})$/;

/** Makes the folder and removes from it what nobody can take up; returns the rest, latest first. */
export function sweepSpool(dir: string): LeftUpload[] {
  mkdirSync(dir, { recursive: true });
  const left: LeftUpload[] = [];
  for (const name of readdirSync(dir)) {
    const [, taskId, digest] = FILE_NAME.exec(name) ?? [];
    const { size, mtimeMs } = statSync(join(dir, name));
    if (taskId && digest && size > 0)
      left.push({ dir, taskId, digest: digest as HashHex, sizeBytes: size, modifiedMs: mtimeMs });
    else rmSync(join(dir, name), { force: true, recursive: true });
  }
  return left.sort((a, b) => b.modifiedMs - a.modifiedMs);
}

export function removeLeft(left: LeftUpload): void {
  rmSync(pathOf(left.dir, left), { force: true });
}

const pathOf = (dir: string, { taskId, digest }: UploadName): string => join(dir, `${taskId}-${digest}`);

export class SpooledFile {
  readonly path: string;
  readonly #file: number;
  readonly #hash = createHash('sha256');
  #isOpen = true;
  #sizeBytes = 0;

  /** A new file, or with `left` the one that an earlier process left, which must be read before anything is added. */
  constructor(dir: string, name?: UploadName, { left = false } = {}) {
    this.path = name ? pathOf(dir, name) : join(dir, randomUUID());
    this.#file = openSync(this.path, left ? 'r+' : 'w');
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  add(part: Uint8Array): void {
    for (let at = 0; at < part.length; ) at += writeSync(this.#file, part, at);
    this.#took(part);
  }

  /** What an earlier process wrote, in parts, each good until the next. */
  *readLeft(): Generator<Uint8Array> {
    const part = new Uint8Array(READ_BYTES);
    for (;;) {
      const length = readSync(this.#file, part, 0, READ_BYTES, null);
      if (length === 0) return;
      this.#took(part.subarray(0, length));
      yield part.subarray(0, length);
    }
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

  #took(part: Uint8Array): void {
    this.#hash.update(part);
    this.#sizeBytes += part.length;
  }

  #close(): void {
    if (this.#isOpen) closeSync(this.#file);
    this.#isOpen = false;
  }
}
