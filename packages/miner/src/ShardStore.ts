/**
 * @file Training shards for tasks: each downloaded once, checked against the server's shard list, kept in a bounded
 * cache on disk (SPEC DATA-1). The list is fetched when first needed, and again when a shard is not in it.
 */
import type { ServerClient, ShardList } from '@alice/protocol';
import type { ContentCache } from './ContentCache.js';
import { MinerError } from './errors.js';

type ShardEntry = ShardList['shards'][number];

export class ShardStore {
  readonly #server: Pick<ServerClient, 'shards' | 'shard'>;
  readonly #cache: ContentCache;
  #list: ReadonlyMap<number, ShardEntry> = new Map();

  constructor(server: Pick<ServerClient, 'shards' | 'shard'>, cache: ContentCache) {
    this.#server = server;
    this.#cache = cache;
  }

  /** Bytes of a shard, two per token. Throws `SHARD_UNKNOWN`, `DOWNLOAD_CORRUPT`. */
  async shard(shard: number): Promise<Uint8Array> {
    const { hash, sizeBytes } = await this.#entryOf(shard);
    return this.#cache.get(hash, () => this.#server.shard(shard, { maxAnswerBytes: sizeBytes }));
  }

  /** Forgets the list: the server may have got other data. */
  forgetList(): void {
    this.#list = new Map();
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
