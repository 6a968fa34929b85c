/**
 * @file The content of a listed file as a stream: from disk or web, unpacked, with the stored bytes counted and hashed on
 * the way, so that a file is read once and known by the hash of what was really read.
 */
import { createHash, type Hash } from 'node:crypto';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { HashHex } from '@alice/protocol';
import type { ListedFile } from './ListedFile.js';
import { readBytes } from './readText.js';
import type { WebAccess } from './remote/fetchWithRetries.js';
import { remoteBytes } from './remote/remoteBytes.js';
import { broken, ZstdDecoder } from './ZstdDecoder.js';

/** Counts and hashes the stored bytes of one file while they are read. */
export class ReadAccount {
  bytes = 0;
  readonly #hash: Hash = createHash('sha256');
  readonly #onBytes: (added: number) => void;

  constructor(onBytes: (added: number) => void = () => undefined) {
    this.#onBytes = onBytes;
  }

  add(chunk: Uint8Array): void {
    this.bytes += chunk.length;
    this.#hash.update(chunk);
    this.#onBytes(chunk.length);
  }

  /** SHA-256 of what was read; to be asked for once. */
  sha256(): HashHex {
    return `0x${this.#hash.digest('hex')}`;
  }
}

/** The unpacked content. Throws `SOURCE_BROKEN`, and what reading from disk or web throws. */
export async function* openBytes(
  file: ListedFile,
  account: ReadAccount,
  access: WebAccess,
): AsyncGenerator<Buffer> {
  const stored = counted(storedBytes(file, access), account);
  if (file.compression === 'gzip') yield* gunzipped(stored, file.path, account);
  else if (file.compression === 'zstd') {
    const decoder = new ZstdDecoder(file.path);
    for await (const chunk of stored) yield* decoder.push(chunk);
    decoder.finish();
  } else yield* stored;
}

/** The stored bytes from `from` on. */
export function storedBytes(file: ListedFile, access: WebAccess, from = 0): AsyncIterable<Uint8Array> {
  const { at, address } = file.location;
  if (at === 'disk') return readBytes(address);
  // A hub's version is a hash of the content, not an entity tag: the commit in the address already fixes the content.
  return remoteBytes({ url: address, from, tag: file.version.startsWith('"') ? file.version : '' }, access);
}

async function* counted(stored: AsyncIterable<Uint8Array>, account: ReadAccount): AsyncGenerator<Buffer> {
  for await (const chunk of stored) {
    account.add(chunk);
    yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
  }
}

async function* gunzipped(
  stored: AsyncIterable<Buffer>,
  path: string,
  account: ReadAccount,
): AsyncGenerator<Buffer> {
  const gunzip = createGunzip();
  let sourceError: unknown;
  const noted = async function* (): AsyncGenerator<Buffer> {
    try {
      yield* stored;
    } catch (error) {
      sourceError = error;
      throw error;
    }
  };
  // The error of either side ends the iteration below.
  pipeline(noted(), gunzip, () => undefined);
  try {
    yield* gunzip as AsyncIterable<Buffer>;
  } catch (cause) {
    if (sourceError !== undefined) throw sourceError;
    // zlib says no more than that it failed within what it was given so far.
    throw broken(
      path,
      Math.min(gunzip.bytesWritten, account.bytes),
      `gzip: ${(cause as Error).message}`,
      cause,
    );
  }
}
