/**
 * @file Content-addressed bytes: a blob's name is its SHA-256, so a blob can never be half-written under its name nor
 * change afterwards. Here in a folder (write beside, fsync, rename, fsync the folder); an object store can take its
 * place behind the same interface. Reading checks nothing again unless `get` is asked for the whole blob.
 */
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { copyFile, type FileHandle, open, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { errorCodeOf, type HashHex, toHex } from '@alice/protocol';
import { ServerError, writeError } from '../errors.js';

export interface BlobRef {
  readonly hash: HashHex;
  readonly sizeBytes: number;
}

export interface BlobStore {
  /** Stores bytes for good and returns their address. Storing the same bytes twice is one blob. Throws `DISK_FULL`. */
  put(bytes: Uint8Array): Promise<BlobRef>;
  /** Stores for good a file that is hashed and on disk already; the file itself may be gone afterwards. Throws `DISK_FULL`. */
  adopt(path: string, ref: BlobRef): Promise<void>;
  /** The whole blob, checked against its address. Throws `BLOB_MISSING`, `BLOB_CORRUPT`. */
  get(hash: string): Promise<Uint8Array>;
  /**
   * Fills `into` with the blob's bytes from `from` on, as they lie; whoever reads all of it checks its hash.
   * Throws `BLOB_MISSING`, and `BLOB_CORRUPT` when it has fewer.
   */
  readInto(hash: string, from: number, into: Uint8Array): Promise<void>;
  has(hash: string): Promise<boolean>;
  /** Size, or undefined when there is no such blob. */
  sizeBytes(hash: string): Promise<number | undefined>;
  delete(hash: string): Promise<void>;
  /** Bytes `from`…`to` (inclusive) as they lie. */
  stream(hash: string, range: { from: number; to: number }): Readable;
  /** Every blob stored before that time (milliseconds since 1970); all of them without one. */
  list(beforeMs?: number): Promise<string[]>;
}

/** What the address of a blob looks like; anything else has no blob. */
export const BLOB_HASH = /^0x[0-9a-f]{64}$/;

/** SHA-256 through Node's native implementation: blobs are megabytes. */
export function contentHash(bytes: Uint8Array): HashHex {
  return toHex(createHash('sha256').update(bytes).digest());
}

/** Nobody writes to one temporary file for so long. */
const TEMPORARY_AGE_MS = 3_600_000;

/**
 * A store in `dir`. Files a killed process left under temporary names are removed and counted in `orphans`; only old ones
 * where `keepTemporaries` says that another thread or node may be writing them.
 */
export function openFolderBlobStore(
  dir: string,
  { keepTemporaries = false } = {},
): BlobStore & { readonly orphans: number } {
  mkdirSync(dir, { recursive: true });
  const orphans = removeTemporaries(dir, keepTemporaries ? Date.now() - TEMPORARY_AGE_MS : undefined);
  const pathOf = (hash: string): string => {
    if (!BLOB_HASH.test(hash)) throw missingBlob(hash);
    return join(dir, hash.slice(2, 4), hash.slice(2));
  };
  const sizeBytes = (hash: string): number | undefined =>
    BLOB_HASH.test(hash) ? statSync(pathOf(hash), { throwIfNoEntry: false })?.size : undefined;
  /** Brings a blob to its path for good; folders are durable before and after. Throws `DISK_FULL`. */
  const place = async (path: string, bring: (temporary: string) => Promise<void>): Promise<void> => {
    const folder = dirname(path);
    try {
      if (mkdirSync(folder, { recursive: true }) !== undefined) await syncFolder(dir);
      await bring(join(dir, TEMPORARY + randomUUID()));
      await syncFolder(folder);
    } catch (error) {
      throw writeError(error);
    }
  };

  return {
    orphans,
    sizeBytes: async (hash) => sizeBytes(hash),
    has: async (hash) => BLOB_HASH.test(hash) && existsSync(pathOf(hash)),
    async put(bytes) {
      const hash = contentHash(bytes);
      const path = pathOf(hash);
      if (sizeBytes(hash) !== bytes.length) {
        await place(path, (temporary) => writeDurably(temporary, path, bytes));
      }
      return { hash, sizeBytes: bytes.length };
    },
    async adopt(from, { hash, sizeBytes: size }) {
      const path = pathOf(hash);
      if (sizeBytes(hash) === size) return;
      await place(path, (temporary) => moveDurably(from, path, temporary));
    },
    async get(hash) {
      const path = pathOf(hash);
      if (!existsSync(path)) throw missingBlob(hash);
      const bytes = new Uint8Array(await readFile(path));
      const actual = contentHash(bytes);
      if (actual !== hash) throw corruptBlob(hash, actual);
      return bytes;
    },
    async readInto(hash, from, into) {
      const file = await openBlob(pathOf(hash), hash);
      try {
        for (let at = 0; at < into.length; ) {
          const { bytesRead } = await file.read(into, at, into.length - at, from + at);
          if (bytesRead === 0) throw corruptBlob(hash, `${from + at} bytes`);
          at += bytesRead;
        }
      } finally {
        await file.close();
      }
    },
    delete: (hash) => rm(pathOf(hash), { force: true }),
    stream: (hash, { from, to }) => createReadStream(pathOf(hash), { start: from, end: to }),
    list: async (beforeMs = Number.POSITIVE_INFINITY) =>
      readdirSync(dir, { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .flatMap((folder) => readdirSync(join(dir, folder.name)).map((name) => join(dir, folder.name, name)))
        .filter((path) => (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0) < beforeMs)
        .map((path) => `0x${basename(path)}`),
  };
}

const TEMPORARY = 'incoming-';

function removeTemporaries(dir: string, beforeMs = Number.POSITIVE_INFINITY): number {
  const left = readdirSync(dir)
    .filter((name) => name.startsWith(TEMPORARY))
    .map((name) => join(dir, name))
    .filter((path) => (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? beforeMs) < beforeMs);
  for (const path of left) rmSync(path, { force: true });
  return left.length;
}

async function writeDurably(temporary: string, path: string, bytes: Uint8Array): Promise<void> {
  try {
    const file = await open(temporary, 'w');
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined); // what a full disk took of it is needed
    throw error;
  }
}

/** From another file system it is copied first, beside its place. */
async function moveDurably(from: string, path: string, temporary: string): Promise<void> {
  try {
    await rename(from, path);
  } catch (error) {
    if (errorCodeOf(error) !== 'EXDEV') throw error;
    await copyFile(from, temporary);
    const file = await open(temporary, 'r+');
    await file.sync().finally(() => file.close());
    await rename(temporary, path);
  }
}

/** A rename is durable once its folder is; systems that cannot open folders (Windows) do this themselves. */
async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (process.platform !== 'win32') throw error;
  }
}

async function openBlob(path: string, hash: string): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (error) {
    throw errorCodeOf(error) === 'ENOENT' ? missingBlob(hash) : error;
  }
}

export function corruptBlob(hash: string, actual: string): ServerError {
  return new ServerError(
    { code: 'BLOB_CORRUPT', hash, actual },
    `the blob ${hash} has other content than its name says: the disk may be failing; restore it from a backup`,
  );
}

export function missingBlob(hash: string): ServerError {
  return new ServerError({ code: 'BLOB_MISSING', hash }, `there is no blob ${hash}`);
}
