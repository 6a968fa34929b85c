/**
 * @file A snapshot as one file: `ALICESN1`, the chunks one after the other, the manifest, its SHA-256, its length
 * (4 bytes, big-endian), `ALICESN1`. The manifest stands at the end because only then are all chunks known; a file that was cut
 * short has none. Chunks are read one at a time, so a file may be larger than memory.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { concatBytes, messageOf, utf8 } from '@alice/protocol';
import { decodeManifest, invalidSnapshot, isChunk, manifestHash, type SnapshotManifest } from './manifest.js';

export const SNAPSHOT_MAGIC = utf8.encode('ALICESN1');
const HASH_BYTES = 32;
const TRAILER_BYTES = HASH_BYTES + 4 + SNAPSHOT_MAGIC.length;

export class SnapshotFile {
  readonly path: string;
  readonly manifest: SnapshotManifest;
  readonly manifestBytes: Uint8Array;
  readonly #offsets: readonly number[];
  readonly #file: number;

  /** Opens a snapshot; chunks are checked when they are read. Throws `SNAPSHOT_INVALID`. */
  constructor(path: string) {
    this.path = path;
    this.#file = opened(path);
    try {
      this.manifestBytes = this.#readManifest();
      this.manifest = decodeManifest(this.manifestBytes);
      this.#offsets = this.#checkSizes();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  get hash(): Uint8Array {
    return manifestHash(this.manifestBytes);
  }

  /** The bytes of a chunk. Throws `SNAPSHOT_INVALID` when they are not what the manifest says. */
  readonly chunk = (index: number): Uint8Array => {
    const expected = this.manifest.chunks[index];
    if (!expected) throw invalidSnapshot(`it has no chunk ${index}`);
    const bytes = this.#read(this.#offsets[index]!, expected.bytes);
    if (!isChunk(bytes, expected)) throw invalidSnapshot(`chunk ${index} is damaged`);
    return bytes;
  };

  close(): void {
    closeSync(this.#file);
  }

  #readManifest(): Uint8Array {
    const { size } = fstatSync(this.#file);
    if (size < SNAPSHOT_MAGIC.length + TRAILER_BYTES) throw invalidSnapshot('the file is too short');
    const trailer = this.#read(size - TRAILER_BYTES, TRAILER_BYTES);
    const isMarked = [this.#read(0, SNAPSHOT_MAGIC.length), trailer.subarray(HASH_BYTES + 4)].every(
      (mark) => Buffer.compare(mark, SNAPSHOT_MAGIC) === 0,
    );
    const length = new DataView(trailer.buffer, trailer.byteOffset).getUint32(HASH_BYTES);
    const start = size - TRAILER_BYTES - length;
    if (!isMarked || start < SNAPSHOT_MAGIC.length)
      throw invalidSnapshot('the file is not a snapshot, or it is cut short');
    const manifest = this.#read(start, length);
    if (Buffer.compare(manifestHash(manifest), trailer.subarray(0, HASH_BYTES)) !== 0)
      throw invalidSnapshot('its manifest is damaged');
    return manifest;
  }

  #checkSizes(): number[] {
    const offsets: number[] = [];
    let at = SNAPSHOT_MAGIC.length;
    for (const { bytes } of this.manifest.chunks) {
      offsets.push(at);
      at += bytes;
    }
    const { size } = fstatSync(this.#file);
    if (at + this.manifestBytes.length + TRAILER_BYTES !== size)
      throw invalidSnapshot('its chunks do not fill the file');
    return offsets;
  }

  #read(from: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    let got = 0;
    while (got < length) {
      const count = readSync(this.#file, bytes, got, length - got, from + got);
      if (count === 0) throw invalidSnapshot('the file is cut short');
      got += count;
    }
    return bytes;
  }
}

function opened(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (error) {
    throw invalidSnapshot(`${path} cannot be read (${messageOf(error)})`, error);
  }
}

/** What follows a manifest at the end of the file. */
export function trailerOf(manifest: Uint8Array): Uint8Array {
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, manifest.length);
  return concatBytes(manifestHash(manifest), length, SNAPSHOT_MAGIC);
}
