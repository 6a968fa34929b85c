/**
 * @file Downloaded bytes kept by their SHA-256, within a size limit: least recently used go first. What is read is
 * checked against its name each time, so neither a crash nor a bad disk can put wrong bytes into training. An
 * interrupted download of many pieces goes on where it stopped, because finished pieces are here (SPEC WIRE-3).
 */
import type { ByteStore } from './ByteStore.js';
import { MinerError } from './errors.js';

export interface ContentCacheOptions {
  readonly store: ByteStore;
  /** Bytes kept; a single larger item passes through without being kept. */
  readonly maxBytes: number;
}

interface Entry {
  readonly sizeBytes: number;
  usedAtMs: number;
}

export class ContentCache {
  readonly #options: ContentCacheOptions;
  readonly #entries: Map<string, Entry>;
  readonly #loading = new Map<string, Promise<Uint8Array>>();
  #usedBytes: number;

  /** Takes up what the store holds. */
  static async open(options: ContentCacheOptions): Promise<ContentCache> {
    const entries = new Map<string, Entry>();
    for (const { name, ...entry } of await options.store.list()) entries.set(name, entry);
    const cache = new ContentCache(options, entries);
    await cache.#shrink();
    return cache;
  }

  private constructor(options: ContentCacheOptions, entries: Map<string, Entry>) {
    this.#options = options;
    this.#entries = entries;
    this.#usedBytes = [...entries.values()].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  /**
   * The bytes with this hash: from disk if they are there and sound, else from `download`. Callers at the same time
   * share one download. Throws `DOWNLOAD_CORRUPT` when what came has another hash.
   */
  async get(hash: string, download: () => Promise<Uint8Array>): Promise<Uint8Array> {
    const running = this.#loading.get(hash);
    if (running !== undefined) return running;
    const loading = this.#load(hash, download).finally(() => this.#loading.delete(hash));
    this.#loading.set(hash, loading);
    return loading;
  }

  async #load(hash: string, download: () => Promise<Uint8Array>): Promise<Uint8Array> {
    const kept = await this.#read(hash);
    if (kept !== undefined) return kept;
    const bytes = await download();
    const actual = await this.#options.store.hashOf(bytes);
    if (actual !== hash)
      throw new MinerError(
        { code: 'DOWNLOAD_CORRUPT', hash, actual },
        `downloaded bytes have hash ${actual}, not ${hash}; they are thrown away and asked for again`,
      );
    await this.#keep(hash, bytes);
    return bytes;
  }

  async #read(hash: string): Promise<Uint8Array | undefined> {
    const entry = this.#entries.get(hash);
    if (entry === undefined) return undefined;
    const bytes = await this.#options.store.read(hash);
    if (bytes === undefined || (await this.#options.store.hashOf(bytes)) !== hash) {
      await this.#remove(hash);
      return undefined;
    }
    entry.usedAtMs = Date.now();
    await this.#options.store.touch(hash, entry.usedAtMs);
    return bytes;
  }

  async #keep(hash: string, bytes: Uint8Array): Promise<void> {
    if (bytes.length > this.#options.maxBytes) return;
    try {
      await this.#options.store.write(hash, bytes);
    } catch {
      return; // a full disk costs a download next time, nothing else
    }
    this.#entries.set(hash, { sizeBytes: bytes.length, usedAtMs: Date.now() });
    this.#usedBytes += bytes.length;
    await this.#shrink();
  }

  async #shrink(): Promise<void> {
    if (this.#usedBytes <= this.#options.maxBytes) return;
    const oldestFirst = [...this.#entries].sort(([, a], [, b]) => a.usedAtMs - b.usedAtMs);
    for (const [hash] of oldestFirst) {
      if (this.#usedBytes <= this.#options.maxBytes) return;
      await this.#remove(hash);
    }
  }

  async #remove(hash: string): Promise<void> {
    this.#usedBytes -= this.#entries.get(hash)?.sizeBytes ?? 0;
    this.#entries.delete(hash);
    await this.#options.store.remove(hash);
  }
}
