/** @file A built dataset, read shard by shard. Every shard is checked when it is read; the last few stay in memory. */
import { DataError } from './errors.js';
import type { Manifest, Split } from './manifest.js';
import { readManifest } from './readManifest.js';
import { readShard } from './readShard.js';

export interface Dataset {
  readonly dir: string;
  readonly manifest: Manifest;
  /**
   * The tokens of a shard; callers share the array and must not write to it. Throws `SHARD_UNKNOWN`, `SHARD_MISSING`,
   * `SHARD_TRUNCATED`, `SHARD_HASH_MISMATCH`.
   */
  shard(id: number): Promise<Uint16Array>;
  /** Number of tokens in a split. */
  tokensOf(split: Split): number;
}

/** Shards kept in memory; of 1,000,000 tokens each, 32 MB. */
const KEPT_SHARDS = 16;

/** Opens the dataset in `dir`; only its manifest is read. Throws `MANIFEST_MISSING`, `MANIFEST_INVALID`. */
export function openDataset(dir: string): Dataset {
  const manifest = readManifest(dir);
  const kept = new Map<number, Promise<Uint16Array>>();
  const shard = (id: number): Promise<Uint16Array> => {
    const info = manifest.shards[id];
    if (info === undefined) return Promise.reject(unknownShard(id, manifest.shards.length));
    const tokens = kept.get(id) ?? readShard(dir, info);
    // Least recently used first: a Map keeps the order of insertion.
    kept.delete(id);
    kept.set(id, tokens);
    if (kept.size > KEPT_SHARDS) kept.delete(kept.keys().next().value!);
    // A failed reading is not remembered: the file may be repaired meanwhile.
    tokens.catch(() => kept.get(id) === tokens && kept.delete(id));
    return tokens;
  };
  const tokensOf = (split: Split): number =>
    manifest.shards.reduce((sum, info) => (info.split === split ? sum + info.tokens : sum), 0);
  return { dir, manifest, shard, tokensOf };
}

function unknownShard(shard: number, shards: number): DataError {
  return new DataError(
    { code: 'SHARD_UNKNOWN', shard, shards },
    `there is no shard ${shard}: this dataset has shards 0 to ${shards - 1}`,
  );
}
