/**
 * @file Training tokens for tasks, fetched as whole shards or as the 64 KiB blocks that a task needs, from mirrors or from
 * the parameter server; each block and shard is checked against the server's list and kept in a bounded cache on disk
 * (SPEC DATA-1). The list is fetched when first needed, and again when a shard is not in it.
 */
import {
  BLOCK_BYTES,
  BLOCK_HASH_BYTES,
  BLOCKS_FILE,
  blockCount,
  blockHashRange,
  blocksRoot,
  bytesToFetch,
  shardFileName,
} from '@alice/data';
import { type ServerClient, type ShardList, toHex } from '@alice/protocol';
import type { ContentCache } from './ContentCache.js';
import type { ByteSpan, DataMirror } from './DataMirror.js';
import { MinerError } from './errors.js';

type ShardEntry = ShardList['shards'][number];
type ShardServer = Pick<ServerClient, 'shards' | 'shard' | 'shardBlocks'>;

/** Tokens [from, from + count) of a shard. */
export interface TokenSpan {
  readonly from: number;
  readonly count: number;
}

export interface ShardStoreOptions {
  /** Asked first, in this order. */
  readonly mirrors?: readonly DataMirror[];
  readonly nowMs?: () => number;
  /** Told of each whole shard that comes from the server, while it comes. */
  readonly onBytes?: (done: number, total: number) => void;
}

/** A mirror that failed or lied is not asked for so long. */
const SET_ASIDE_MS = 300_000;
/** Shards whose block hashes stay in memory, 1 KB each. */
const KEPT_HASHES = 1024;

export class ShardStore {
  readonly #server: ShardServer;
  readonly #cache: ContentCache;
  readonly #mirrors: readonly DataMirror[];
  readonly #nowMs: () => number;
  readonly #onBytes: (done: number, total: number) => void;
  readonly #asideUntilMs = new Map<DataMirror, number>();
  readonly #hashes = new Map<string, Uint8Array>();
  #list: ReadonlyMap<number, ShardEntry> = new Map();

  constructor(
    server: ShardServer,
    cache: ContentCache,
    { mirrors = [], nowMs = Date.now, onBytes = () => undefined }: ShardStoreOptions = {},
  ) {
    this.#server = server;
    this.#cache = cache;
    this.#mirrors = mirrors;
    this.#nowMs = nowMs;
    this.#onBytes = onBytes;
  }

  /**
   * Bytes of a shard, two per token, at their places; where only `spans` are wanted and less than half of the shard's
   * blocks hold them, the others are zeros. Throws `SHARD_UNKNOWN`, `DOWNLOAD_CORRUPT`.
   */
  async shard(shard: number, spans?: readonly TokenSpan[]): Promise<Uint8Array> {
    const entry = await this.#entryOf(shard);
    const wanted = spans === undefined ? null : wantedBlocks(entry, spans);
    if (wanted === null || 2 * wanted.length >= blockCount(entry.sizeBytes)) return this.#whole(entry);
    return this.#partly(entry, wanted);
  }

  /** Forgets the list: the server may have got other data. */
  forgetList(): void {
    this.#list = new Map();
    this.#hashes.clear();
  }

  #whole(entry: ShardEntry): Promise<Uint8Array> {
    const { shard, hash, sizeBytes } = entry;
    const onReceived = (bytes: number): void => this.#onBytes(bytes, sizeBytes);
    return this.#firstGood(
      (mirror) => this.#cache.get(hash, () => mirror.bytes(shardFileName(shard), { from: 0, to: sizeBytes })),
      () => this.#cache.get(hash, () => this.#server.shard(shard, { maxAnswerBytes: sizeBytes, onReceived })),
    );
  }

  async #partly(entry: ShardEntry, wanted: readonly number[]): Promise<Uint8Array> {
    const hashes = await this.#blockHashes(entry);
    const bytes = new Uint8Array(entry.sizeBytes);
    for (const run of runsOf(wanted)) {
      const fromMirror = (mirror: DataMirror): Promise<void> =>
        this.#fill(bytes, { run, hashes }, (span) => mirror.bytes(shardFileName(entry.shard), span));
      await this.#firstGood(fromMirror, () =>
        this.#fill(bytes, { run, hashes }, (range) =>
          this.#server.shard(entry.shard, { range, maxAnswerBytes: range.to - range.from }),
        ),
      );
    }
    return bytes;
  }

  /** Puts the blocks of a run into their places; those not in the cache come with one request. */
  async #fill(
    bytes: Uint8Array,
    { run, hashes }: { run: readonly number[]; hashes: Uint8Array },
    fetchBytes: (span: ByteSpan) => Promise<Uint8Array>,
  ): Promise<void> {
    const end = Math.min((run.at(-1)! + 1) * BLOCK_BYTES, bytes.length);
    let fetched: { from: number; bytes: Promise<Uint8Array> } | undefined;
    for (const block of run) {
      const span = { from: block * BLOCK_BYTES, to: Math.min((block + 1) * BLOCK_BYTES, bytes.length) };
      const hash = toHex(hashes.subarray(block * BLOCK_HASH_BYTES, (block + 1) * BLOCK_HASH_BYTES));
      const content = await this.#cache.get(hash, async () => {
        fetched ??= { from: span.from, bytes: fetchBytes({ from: span.from, to: end }) };
        return (await fetched.bytes).slice(span.from - fetched.from, span.to - fetched.from);
      });
      bytes.set(content, span.from);
    }
  }

  async #blockHashes(entry: ShardEntry): Promise<Uint8Array> {
    const root = entry.blocks!;
    const known = this.#hashes.get(root);
    if (known !== undefined) return known;
    const sizeBytes = blockCount(entry.sizeBytes) * BLOCK_HASH_BYTES;
    const checked = (hashes: Uint8Array): Uint8Array => {
      const actual = hashes.length === sizeBytes ? blocksRoot(hashes) : '';
      if (actual === root) return hashes;
      throw new MinerError(
        { code: 'DOWNLOAD_CORRUPT', hash: root, actual },
        `the block hashes of shard ${entry.shard} do not have the root that the server names`,
      );
    };
    const hashes = await this.#firstGood(
      async (mirror) => checked(await mirror.bytes(BLOCKS_FILE, this.#hashesAt(entry.shard))),
      async () => checked(await this.#server.shardBlocks(entry.shard, { maxAnswerBytes: sizeBytes })),
    );
    if (this.#hashes.size >= KEPT_HASHES) this.#hashes.delete(this.#hashes.keys().next().value!);
    this.#hashes.set(root, hashes);
    return hashes;
  }

  /** Where a shard's block hashes lie: training shards are the first of a dataset, numbered from 0. */
  #hashesAt(shard: number): ByteSpan {
    const sizes = Array.from({ length: shard + 1 }, (_, i) => ({ bytes: this.#list.get(i)?.sizeBytes ?? 0 }));
    return blockHashRange(sizes, shard);
  }

  /** What the first mirror gives that is not set aside and neither fails nor lies; else what the server gives. */
  async #firstGood<T>(ask: (mirror: DataMirror) => Promise<T>, askServer: () => Promise<T>): Promise<T> {
    for (const mirror of this.#mirrors) {
      if ((this.#asideUntilMs.get(mirror) ?? 0) > this.#nowMs()) continue;
      try {
        return await ask(mirror);
      } catch (error) {
        if (!(error instanceof MinerError)) throw error;
        this.#asideUntilMs.set(mirror, this.#nowMs() + SET_ASIDE_MS);
      }
    }
    return askServer();
  }

  async #entryOf(shard: number): Promise<ShardEntry> {
    const known = this.#list.get(shard);
    if (known !== undefined) return known;
    const { shards } = await this.#server.shards();
    this.#list = new Map(shards.map((entry) => [entry.shard, entry]));
    const entry = this.#list.get(shard);
    if (entry !== undefined) return entry;
    throw new MinerError(
      { code: 'SHARD_UNKNOWN', shard },
      `shard ${shard} is not in the server's list; the task cannot be done`,
    );
  }
}

/** Numbers of the blocks that hold the spans, in order; null when the shard cannot be fetched in blocks, or not those. */
function wantedBlocks({ tokens, blocks }: ShardEntry, spans: readonly TokenSpan[]): number[] | null {
  // A span outside the shard is for the trainer to refuse.
  const isInside = spans.every(({ from, count }) => from >= 0 && count > 0 && from + count <= tokens);
  if (blocks === undefined || !isInside) return null;
  const wanted = new Set<number>();
  for (const { from: first, count } of spans) {
    const { from, to } = bytesToFetch({ tokens }, { first, count });
    for (let block = from / BLOCK_BYTES; block * BLOCK_BYTES < to; block++) wanted.add(block);
  }
  return [...wanted].sort((a, b) => a - b);
}

/** Neighbours together. */
function runsOf(blocks: readonly number[]): number[][] {
  const runs: number[][] = [];
  for (const block of blocks) {
    if (runs.at(-1)?.at(-1) === block - 1) runs.at(-1)!.push(block);
    else runs.push([block]);
  }
  return runs;
}
