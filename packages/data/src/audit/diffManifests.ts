/** @file What differs between two datasets, from their manifests alone, in lines a person can read. */
import { hashJson } from '@alice/protocol';
import { type Manifest, SPLITS } from '../manifest.js';

export interface ManifestDiff {
  readonly isSame: boolean;
  readonly sourcesAdded: readonly string[];
  readonly sourcesRemoved: readonly string[];
  readonly sourcesChanged: readonly string[];
  /** One line a setting or total that differs: "name: before → after". */
  readonly settings: readonly string[];
  readonly shardsKept: number;
  readonly shardsBefore: number;
  readonly shardsAfter: number;
}

/** Sources are compared by name and hash, shards by content wherever they stand. */
export function diffManifests(before: Manifest, after: Manifest): ManifestDiff {
  const [old, now] = [byPath(before), byPath(after)];
  const hashes = new Set(before.shards.map(({ sha256 }) => sha256));
  const [a, b] = [described(before), described(after)];
  return {
    isSame: before.root === after.root,
    sourcesAdded: [...now.keys()].filter((path) => !old.has(path)),
    sourcesRemoved: [...old.keys()].filter((path) => !now.has(path)),
    sourcesChanged: [...now]
      .filter(([path, hash]) => old.has(path) && old.get(path) !== hash)
      .map(([path]) => path),
    settings: Object.keys(a)
      .filter((key) => a[key] !== b[key])
      .map((key) => `${key}: ${a[key]} → ${b[key]}`),
    shardsKept: after.shards.filter(({ sha256 }) => hashes.has(sha256)).length,
    shardsBefore: before.shards.length,
    shardsAfter: after.shards.length,
  };
}

function byPath({ sources }: Manifest): Map<string, string> {
  return new Map(sources.map(({ path, sha256 }) => [path, sha256]));
}

function described(manifest: Manifest): Record<string, string | number> {
  const {
    tokenizer,
    shardTokens,
    validationFraction,
    seed,
    documents,
    duplicatesDropped,
    skipped,
    reading,
    root,
  } = manifest;
  const tokens = Object.fromEntries(
    SPLITS.map((split) => [
      `${split} tokens`,
      manifest.shards.reduce((sum, shard) => (shard.split === split ? sum + shard.tokens : sum), 0),
    ]),
  );
  return {
    root,
    source: reading?.source ?? manifest.name,
    tokenizer: tokenizer.id,
    shardTokens,
    validationFraction,
    seed,
    documents,
    duplicatesDropped,
    skipped,
    ...tokens,
    // The order of the sources decides the order of the text.
    'order of sources': hashJson(manifest.sources.map(({ path }) => path)).slice(0, 12),
  };
}
