/**
 * @file Full copies of a version in fixed-size chunks, each with its hash, so that a download resumes where it stopped
 * and every chunk can come from another mirror. Chunk hashes find damage early; that the whole is the published version
 * is checked against the state root (WIRE-3).
 */
import { sha256Hex } from '../hash.js';
import { WireError } from './errors.js';

/** 4 MiB. */
export const SNAPSHOT_CHUNK_BYTES = 4_194_304;

export interface SnapshotChunk {
  /** SHA-256, `0x…`. */
  readonly hash: string;
  readonly sizeBytes: number;
}

/** All chunks have `chunkBytes`, except that the last one has the rest. */
export interface SnapshotIndex {
  readonly sizeBytes: number;
  readonly chunkBytes: number;
  readonly chunks: readonly SnapshotChunk[];
}

/** Cuts bytes that come part by part into chunks, without ever holding more than one. */
export class SnapshotCutter {
  readonly chunkBytes: number;
  #begun: Uint8Array;
  #begunBytes = 0;

  constructor(chunkBytes: number = SNAPSHOT_CHUNK_BYTES) {
    this.chunkBytes = chunkBytes;
    this.#begun = new Uint8Array(chunkBytes);
  }

  /** The chunks that these bytes complete; views into them where they can be. Take all. */
  *add(bytes: Uint8Array): Generator<Uint8Array> {
    for (let at = 0; at < bytes.length; ) {
      const left = bytes.length - at;
      if (this.#begunBytes === 0 && left >= this.chunkBytes) {
        yield bytes.subarray(at, at + this.chunkBytes);
        at += this.chunkBytes;
        continue;
      }
      const part = bytes.subarray(at, at + Math.min(left, this.chunkBytes - this.#begunBytes));
      this.#begun.set(part, this.#begunBytes);
      this.#begunBytes += part.length;
      at += part.length;
      if (this.#begunBytes < this.chunkBytes) return;
      yield this.#begun;
      this.#begun = new Uint8Array(this.chunkBytes);
      this.#begunBytes = 0;
    }
  }

  /** The last chunk, if there is a shorter one. */
  *finish(): Generator<Uint8Array> {
    if (this.#begunBytes > 0) yield this.#begun.subarray(0, this.#begunBytes);
  }
}

/** Cuts canonical bytes into chunks; the chunks themselves are views into `bytes`. Cost: hashing all bytes. */
export function cutSnapshot(
  bytes: Uint8Array,
  chunkBytes: number = SNAPSHOT_CHUNK_BYTES,
): { readonly index: SnapshotIndex; readonly parts: readonly Uint8Array[] } {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += chunkBytes) parts.push(bytes.subarray(at, at + chunkBytes));
  const chunks = parts.map((part) => ({ hash: sha256Hex(part), sizeBytes: part.length }));
  return { index: { sizeBytes: bytes.length, chunkBytes, chunks }, parts };
}

/**
 * Puts a snapshot together in any order, each chunk verified as it arrives.
 * Throws `WIRE_INDEX_FORMAT`, and `WIRE_SNAPSHOT_LIMIT` when the index announces more than `maxBytes`.
 */
export class SnapshotAssembly {
  private readonly index: SnapshotIndex;
  private readonly bytes: Uint8Array;
  private readonly present: Uint8Array;

  constructor(index: SnapshotIndex, maxBytes: number) {
    checkIndex(index);
    if (index.sizeBytes > maxBytes)
      throw new WireError(
        { code: 'WIRE_SNAPSHOT_LIMIT', sizeBytes: index.sizeBytes, maxBytes },
        `the snapshot announces ${index.sizeBytes} bytes; the layout allows ${maxBytes}`,
      );
    this.index = index;
    this.bytes = new Uint8Array(index.sizeBytes);
    this.present = new Uint8Array(index.chunks.length);
  }

  /** Accepts one chunk. Throws `WIRE_TRUNCATED`, `WIRE_TRAILING_BYTES`, `WIRE_CHUNK_HASH`; the chunk stays missing then. */
  add(chunk: number, bytes: Uint8Array): void {
    const expected = this.index.chunks[chunk];
    if (!expected) throw indexFormat(`chunk ${chunk}`);
    verifyChunk(chunk, bytes, expected);
    this.bytes.set(bytes, chunk * this.index.chunkBytes);
    this.present[chunk] = 1;
  }

  /** Chunks still to fetch, ascending. */
  missing(): number[] {
    return [...this.present.keys()].filter((chunk) => this.present[chunk] === 0);
  }

  /** The whole. Throws `WIRE_CHUNK_MISSING`. */
  finish(): Uint8Array {
    const missing = this.missing().length;
    if (missing > 0)
      throw new WireError(
        { code: 'WIRE_CHUNK_MISSING', missing, chunks: this.present.length },
        `${missing} of ${this.present.length} chunks have not arrived yet`,
      );
    return this.bytes;
  }
}

/** All chunks at once, in order. Throws as `SnapshotAssembly` does. */
export function assembleSnapshot(
  index: SnapshotIndex,
  parts: readonly Uint8Array[],
  maxBytes: number = index.sizeBytes,
): Uint8Array {
  const assembly = new SnapshotAssembly(index, maxBytes);
  parts.forEach((part, chunk) => {
    assembly.add(chunk, part);
  });
  return assembly.finish();
}

/** Throws `WIRE_TRUNCATED`, `WIRE_TRAILING_BYTES` or `WIRE_CHUNK_HASH`. */
export function verifyChunk(chunk: number, bytes: Uint8Array, { hash, sizeBytes }: SnapshotChunk): void {
  if (bytes.length < sizeBytes)
    throw new WireError(
      { code: 'WIRE_TRUNCATED', needBytes: sizeBytes, gotBytes: bytes.length },
      `chunk ${chunk} is incomplete`,
    );
  if (bytes.length > sizeBytes)
    throw new WireError(
      { code: 'WIRE_TRAILING_BYTES', expectedBytes: sizeBytes, gotBytes: bytes.length },
      `chunk ${chunk} is longer than announced`,
    );
  const actual = sha256Hex(bytes);
  if (actual !== hash)
    throw new WireError(
      { code: 'WIRE_CHUNK_HASH', chunk, expected: hash, actual },
      `chunk ${chunk} is damaged or not the one asked for: fetch it from another mirror`,
    );
}

function checkIndex({ sizeBytes, chunkBytes, chunks }: SnapshotIndex): void {
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0) throw indexFormat('sizeBytes');
  if (!Number.isSafeInteger(chunkBytes) || chunkBytes < 1) throw indexFormat('chunkBytes');
  if (chunks.length !== Math.ceil(sizeBytes / chunkBytes)) throw indexFormat('chunks');
  chunks.forEach((chunk, i) => {
    const isLast = i === chunks.length - 1;
    if (chunk.sizeBytes !== (isLast ? sizeBytes - i * chunkBytes : chunkBytes))
      throw indexFormat(`chunks[${i}].sizeBytes`);
  });
}

function indexFormat(field: string): WireError {
  return new WireError(
    { code: 'WIRE_INDEX_FORMAT', field },
    `the snapshot index contradicts itself at ${field}`,
  );
}
