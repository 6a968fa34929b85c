/**
 * @file Near-duplicates over any number of documents with memory of a bit each. Signatures are cut into 16 bands of eight
 * values (locality-sensitive hashing, Indyk & Motwani 1998); documents that agree in a band are candidates, and are near
 * when 102 of their 128 values agree (four fifths of their shingles, ± 3.5 %). Candidates meet in buckets on disk. A
 * document is compared with a few earlier ones of each band only, so that a million copies cost no square; what is
 * decided about it depends on documents before it alone: text added at the end changes nothing.
 */
import { mkdir, readFile, rm } from 'node:fs/promises';
import { SPLITS } from '../manifest.js';
import { BucketFiles } from '../stream/BucketFiles.js';
import { Bits } from '../stream/findDuplicates.js';
import { equalValues, SIGNATURE_BYTES } from './documentSignature.js';

/** `ignore`: not looked for; `keep`: kept, but never in two splits; `drop`: the first one is kept. */
export type NearDuplicates = 'ignore' | 'keep' | 'drop';

export const BANDS = 16;
const BAND_BYTES = SIGNATURE_BYTES / BANDS;
export const EQUAL_VALUES = 102;
/** band key 8 ‖ number of the document 6 ‖ split 1 ‖ 0. */
const ENTRY_BYTES = 16;
const BUCKET_ENTRIES = 1 << 18;

export interface SignedDocuments {
  /** Number of documents, those without a signature included. */
  readonly count: number;
  /** All documents in order. */
  read(): AsyncIterable<SignedDocument>;
  /** The signature of one document. */
  signature(number: number): Promise<Uint8Array>;
}

export interface SignedDocument {
  readonly number: number;
  readonly signature: Uint8Array;
  /** Index into `SPLITS`. */
  readonly split: number;
}

export interface NearDuplicateOptions {
  readonly documents: SignedDocuments;
  readonly mode: 'keep' | 'drop';
  /** Documents that are left out already. */
  readonly leftOut: { has(number: number): boolean };
  readonly scratchDir: string;
  /** Entries of a bucket, about. */
  readonly bucketEntries?: number;
  readonly signal?: AbortSignal | undefined;
}

export interface FoundNearDuplicates {
  /** Near to an earlier document: any (`drop`), or one of another split (`keep`). */
  readonly near: Bits;
  /** Pairs of signatures that were compared. */
  readonly compared: number;
}

/** Cost: 16 entries of 16 bytes a document on disk, written and read once; a signature read for each comparison. */
export async function findNearDuplicates(options: NearDuplicateOptions): Promise<FoundNearDuplicates> {
  const { documents, scratchDir, bucketEntries = BUCKET_ENTRIES, signal } = options;
  const near = new Bits(documents.count);
  const buckets = Math.max(1, Math.ceil((documents.count * BANDS) / bucketEntries));
  await rm(scratchDir, { recursive: true, force: true });
  await mkdir(scratchDir, { recursive: true });
  const files = new BucketFiles({ dir: scratchDir, count: buckets, entryBytes: ENTRY_BYTES });
  try {
    await deal(options, { files, buckets });
    let compared = 0;
    for (let bucket = 0; bucket < buckets; bucket++) {
      signal?.throwIfAborted();
      const file = files.path(bucket);
      compared += await compareBucket(await readFile(file), options, near);
      await rm(file);
    }
    return { near, compared };
  } finally {
    await rm(scratchDir, { recursive: true, force: true });
  }
}

async function deal(
  { documents, leftOut, signal }: NearDuplicateOptions,
  { files, buckets }: { files: BucketFiles; buckets: number },
): Promise<void> {
  for await (const { number, signature, split } of documents.read()) {
    if (number % 4096 === 0) signal?.throwIfAborted();
    if (leftOut.has(number) || isUnsigned(signature)) continue;
    for (let band = 0; band < BANDS; band++) {
      const [low, high] = bandKey(signature, band);
      const bucket = low % buckets;
      if (files.isFull(bucket)) await files.flush(bucket);
      files.add(bucket, (bytes, at) => {
        bytes.writeUInt32LE(low, at);
        bytes.writeUInt32LE(high, at + 4);
        bytes.writeUIntLE(number, at + 8, 6);
        bytes[at + 14] = split;
      });
    }
  }
  await files.end();
}

/** Whether a document was too short to be signed. */
export function isUnsigned(signature: Uint8Array): boolean {
  return signature[0] === 0 && signature[1] === 0;
}

/** 64 bits of one band and its number: two hashes of its 16 bytes. */
export function bandKey(signature: Uint8Array, band: number): readonly [low: number, high: number] {
  let [low, high] = [0x811c_9dc5 ^ band, 0x9e37_79b9 + band];
  for (let i = band * BAND_BYTES; i < (band + 1) * BAND_BYTES; i++) {
    low = Math.imul(low ^ signature[i]!, 0x0100_0193);
    high = Math.imul(high ^ signature[i]!, 0x85eb_ca6b) + low;
  }
  return [(low ^ (low >>> 15)) >>> 0, (high ^ (high >>> 13)) >>> 0];
}

/** First and latest document of a band key, for each split. */
interface Group {
  readonly first: number[];
  readonly latest: number[];
}

const NONE = -1;

async function compareBucket(
  entries: Buffer,
  { documents, mode }: NearDuplicateOptions,
  near: Bits,
): Promise<number> {
  const groups = new GroupTable(entries);
  let compared = 0;
  for (let at = 0; at < entries.length; at += ENTRY_BYTES) {
    const group = groups.of(at);
    // Alone in its bucket: most are.
    if (group === null) continue;
    const number = entries.readUIntLE(at + 8, 6);
    const split = entries[at + 14]!;
    if (!near.has(number)) {
      const others = new Set(rivals(group, mode === 'drop' ? null : split));
      const own = others.size > 0 ? await documents.signature(number) : null;
      for (const other of others) {
        compared++;
        if (equalValues(own!, await documents.signature(other)) < EQUAL_VALUES) continue;
        near.add(number);
        break;
      }
    }
    if (group.first[split] === NONE) group.first[split] = number;
    group.latest[split] = number;
  }
  return compared;
}

function* rivals({ first, latest }: Group, exceptSplit: number | null): Generator<number> {
  for (let split = 0; split < SPLITS.length; split++) {
    if (split === exceptSplit || first[split] === NONE) continue;
    yield first[split]!;
    yield latest[split]!;
  }
}

/** Groups of entries with equal keys, only where there are two or more: one number an entry otherwise. */
class GroupTable {
  readonly #entries: Buffer;
  readonly #groups = new Map<number, Group>();
  /** Per slot: entry + 1 of the first with its key. */
  readonly #slots: Uint32Array;
  /** By entry: the first with its key, + 1 when it is not alone. */
  readonly #leader: Uint32Array;

  constructor(entries: Buffer) {
    this.#entries = entries;
    const count = entries.length / ENTRY_BYTES;
    this.#slots = new Uint32Array(2 ** Math.ceil(Math.log2(2 * count + 2)));
    this.#leader = new Uint32Array(count);
    for (let i = 0; i < count; i++) this.#place(i);
  }

  /** The group of the entry at a byte; null when no other has its key. */
  of(at: number): Group | null {
    const leader = this.#leader[at / ENTRY_BYTES]!;
    if (leader === 0) return null;
    const found = this.#groups.get(leader);
    if (found !== undefined) return found;
    const made = { first: SPLITS.map(() => NONE), latest: SPLITS.map(() => NONE) };
    this.#groups.set(leader, made);
    return made;
  }

  #place(i: number): void {
    const mask = this.#slots.length - 1;
    let slot = this.#entries.readUInt32LE(i * ENTRY_BYTES + 4) & mask;
    while (this.#slots[slot] !== 0 && !this.#isEqual(this.#slots[slot]! - 1, i)) slot = (slot + 1) & mask;
    if (this.#slots[slot] === 0) this.#slots[slot] = i + 1;
    else {
      const leader = this.#slots[slot]!;
      this.#leader[i] = leader;
      this.#leader[leader - 1] = leader;
    }
  }

  #isEqual(a: number, b: number): boolean {
    const [x, y] = [a * ENTRY_BYTES, b * ENTRY_BYTES];
    return this.#entries.compare(this.#entries, y, y + 8, x, x + 8) === 0;
  }
}
