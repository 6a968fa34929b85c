/**
 * @file Deals fixed-size entries over files, so that each file alone fits into memory afterwards. Entries of a file stay
 * in the order they came in. The caller makes and removes the folder.
 */
import { open } from 'node:fs/promises';
import { join } from 'node:path';

/** All files together wait in 16 MB, so that many of them need no more memory than few. */
const PENDING_BYTES = 16 * 1024 * 1024;
const MOST_FLUSH_BYTES = 64 * 1024;

export interface BucketLayout {
  readonly dir: string;
  readonly count: number;
  readonly entryBytes: number;
}

export class BucketFiles {
  readonly #layout: BucketLayout;
  readonly #flushBytes: number;
  readonly #pending: { readonly bytes: Buffer; used: number }[];

  constructor(layout: BucketLayout) {
    const { count, entryBytes } = layout;
    this.#layout = layout;
    this.#flushBytes = Math.max(
      64 * entryBytes,
      Math.min(MOST_FLUSH_BYTES, Math.floor(PENDING_BYTES / count)),
    );
    this.#pending = Array.from({ length: count }, () => ({ bytes: Buffer.alloc(this.#flushBytes), used: 0 }));
  }

  path(bucket: number): string {
    return join(this.#layout.dir, `bucket-${bucket}`);
  }

  /** Whether the bucket must be flushed before the next entry. Apart from `add`, which waits for nothing. */
  isFull(bucket: number): boolean {
    return this.#pending[bucket]!.used + this.#layout.entryBytes > this.#flushBytes;
  }

  /** Adds one entry, which `write` puts into the bytes at the place given. */
  add(bucket: number, write: (bytes: Buffer, at: number) => void): void {
    const own = this.#pending[bucket]!;
    write(own.bytes, own.used);
    own.used += this.#layout.entryBytes;
  }

  /** To be called once after the last entry; a file exists then even for a bucket without any. */
  async end(): Promise<void> {
    for (let bucket = 0; bucket < this.#layout.count; bucket++) await this.flush(bucket);
  }

  async flush(bucket: number): Promise<void> {
    const own = this.#pending[bucket]!;
    const handle = await open(this.path(bucket), 'a');
    await handle.appendFile(own.bytes.subarray(0, own.used)).finally(() => handle.close());
    own.used = 0;
  }
}
