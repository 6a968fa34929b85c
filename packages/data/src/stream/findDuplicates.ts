/**
 * @file Exact duplicates over all parts, first one kept, with memory that does not grow with their number beyond one bit a
 * document: fingerprints are dealt into buckets on disk, and each bucket is looked through alone.
 */
import { mkdir, readFile, rm } from 'node:fs/promises';
import { BucketFiles } from './BucketFiles.js';
import { type PartName, readRecords } from './PartFiles.js';

/** fingerprint 16 ‖ number of the document 6. */
const ENTRY_BYTES = 22;
const BUCKET_DOCUMENTS = 1 << 18;
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
  const files = new BucketFiles({ dir: scratchDir, count: buckets, entryBytes: ENTRY_BYTES });
  try {
    await deal(parts, { files, buckets, signal });
    for (let bucket = 0; bucket < buckets; bucket++) {
      signal?.throwIfAborted();
      markRepeats(await readFile(files.path(bucket)), duplicates);
      await rm(files.path(bucket));
    }
    return duplicates;
  } finally {
    await rm(scratchDir, { recursive: true, force: true });
  }
}

/** A bucket receives its documents in order, so the first of equals comes first there too. */
async function deal(
  parts: readonly PartName[],
  { files, buckets, signal }: { files: BucketFiles; buckets: number; signal: AbortSignal | undefined },
): Promise<void> {
  let number = 0;
  for (const part of parts) {
    signal?.throwIfAborted();
    for await (const { fingerprint } of readRecords(part)) {
      const bucket = fingerprint.readUInt32LE(8) % buckets;
      if (files.isFull(bucket)) await files.flush(bucket);
      files.add(bucket, (bytes, at) => {
        fingerprint.copy(bytes, at);
        bytes.writeUIntLE(number, at + 16, 6);
      });
      number++;
    }
  }
  await files.end();
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
