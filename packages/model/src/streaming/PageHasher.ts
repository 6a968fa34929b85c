/**
 * @file The hashes of pages of bytes that come in pieces of any size. Node only.
 */
import { createHash } from 'node:crypto';

/** Small enough that the row of one token costs little, large enough that hashes are few (32 bytes each). */
export const PAGE_BYTES = 256 * 1024;
export const PAGE_HASH_BYTES = 32;

export class PageHasher {
  readonly #hashes: Buffer[] = [];
  #hash = createHash('sha256');
  #filled = 0;

  add(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      const part = bytes.subarray(at, at + PAGE_BYTES - this.#filled);
      this.#hash.update(part);
      at += part.length;
      this.#filled += part.length;
      if (this.#filled === PAGE_BYTES) this.#close();
    }
  }

  /** SHA-256 of each page, one after another; the last page may be shorter. */
  finish(): Uint8Array {
    if (this.#filled > 0) this.#close();
    return Buffer.concat(this.#hashes);
  }

  #close(): void {
    this.#hashes.push(this.#hash.digest());
    this.#hash = createHash('sha256');
    this.#filled = 0;
  }
}
