/**
 * @file Exact duplicates over all parts, first one kept, with memory that does not grow with their number beyond one bit a
 * document: fingerprints are dealt into buckets on disk, and each bucket is looked through alone.
 */
import { mkdir, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type PartName, readRecords } from './PartFiles.js';

/** fingerprint 16 ‖ number of the document 6. */
const ENTRY_BYTES = 22;
const BUCKET_DOCUMENTS = 1 << 18;
const PENDING_BYTES = 1 << 24;
const MOST_FLUSH_BYTES = 1 << 16;
const EMPTY = 0xffffffff;

/** A set of document numbers, one bit each. */
export class Bits {
  readonly #words: Uint32Array;
  count = 0;

  constructor(size: number) {
    this.#words = new Uint32Array(Math.ceil(size / 32));
  }

  has(i: number): boolean {
    return ((this.#words[Math.floor(i / 32)]! >>> (i % 32)) & 1) === 1;
  }

  add(i: number): void {
    if (this.has(i)) return;
    this.#words[Math.floor(i / 32)]! |= 1 << (i % 32);
    this.count++;
  }
}

export interface DuplicateOptions {
  /** In the order in which the first of equal documents is the one that is kept. */
  readonly parts: readonly PartName[];
  /** Documents in all parts. */
  readonly documents: number;
  readonly scratchDir: string;
  /** Documents of a bucket, about. */
  readonly bucketDocuments?: number;
  readonly signal?: AbortSignal | undefined;
}

/** The numbers (over all parts, in order) of documents equal to an earlier one. Cost: two passes over 22 bytes each. */
export async function findDuplicates(options: DuplicateOptions): Promise<Bits> {
  const { parts, documents, scratchDir, bucketDocuments = BUCKET_DOCUMENTS, signal } = options;
  const duplicates = new Bits(documents);
  const buckets = Math.max(1, Math.ceil(documents / bucketDocuments));
  await rm(scratchDir, { recursive: true, force: true });
  await mkdir(scratchDir, { recursive: true });
  try {
    await deal(parts, { buckets, scratchDir, signal });
    for (let bucket = 0; bucket < buckets; bucket++) {
      signal?.throwIfAborted();
      markRepeats(await readFile(bucketFile(scratchDir, bucket)), duplicates);
      await rm(bucketFile(scratchDir, bucket));
    }
    return duplicates;
  } finally {
    await rm(scratchDir, { recursive: true, force: true });
  }
}

function bucketFile(dir: string, bucket: number): string {
  return join(dir, `bucket-${bucket}`);
}

/** A bucket receives its documents in order, so the first of equals comes first there too. */
async function deal(
  parts: readonly PartName[],
  { buckets, scratchDir, signal }: { buckets: number; scratchDir: string; signal: AbortSignal | undefined },
): Promise<void> {
  // All buckets together wait in 16 MB, so that many of them need no more memory than few.
  const flushBytes = Math.max(
    64 * ENTRY_BYTES,
    Math.min(MOST_FLUSH_BYTES, Math.floor(PENDING_BYTES / buckets)),
  );
  const pending = Array.from({ length: buckets }, () => ({ bytes: Buffer.alloc(flushBytes), used: 0 }));
  const flush = async (bucket: number): Promise<void> => {
    const own = pending[bucket]!;
    const handle = await open(bucketFile(scratchDir, bucket), 'a');
    await handle.appendFile(own.bytes.subarray(0, own.used)).finally(() => handle.close());
    own.used = 0;
  };
  let number = 0;
  for (const part of parts) {
    signal?.throwIfAborted();
    for await (const { fingerprint } of readRecords(part)) {
      const bucket = fingerprint.readUInt32LE(8) % buckets;
      const own = pending[bucket]!;
      if (own.used + ENTRY_BYTES > flushBytes) await flush(bucket);
      fingerprint.copy(own.bytes, own.used);
      own.bytes.writeUIntLE(number++, own.used + 16, 6);
      own.used += ENTRY_BYTES;
    }
  }
  for (let bucket = 0; bucket < buckets; bucket++) await flush(bucket);
}

/** An open-addressing table over the entries themselves: no object a document. */
function markRepeats(entries: Buffer, duplicates: Bits): void {
  const count = entries.length / ENTRY_BYTES;
  const size = 2 ** Math.ceil(Math.log2(2 * count + 2));
  const table = new Uint32Array(size).fill(EMPTY);
  for (let i = 0; i < count; i++) {
    const at = i * ENTRY_BYTES;
    let slot = entries.readUInt32LE(at) & (size - 1);
    while (table[slot] !== EMPTY && !isEqual(entries, table[slot]! * ENTRY_BYTES, at))
      slot = (slot + 1) & (size - 1);
    if (table[slot] === EMPTY) table[slot] = i;
    else duplicates.add(entries.readUIntLE(at + 16, 6));
  }
}

function isEqual(entries: Buffer, a: number, b: number): boolean {
  return entries.compare(entries, b, b + 16, a, a + 16) === 0;
}
