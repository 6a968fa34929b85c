/** @file What differs between two datasets, from their manifests alone, in lines a person can read. */
import { hashJson } from '@alice/protocol';
import type { ConversationManifest } from '../conversation/conversationManifest.js';
import { type Manifest, SPLITS } from '../manifest.js';

type AnyManifest = Manifest | ConversationManifest;

export interface ManifestDiff {
  /** Whether the roots are equal: the same shards in the same order. */
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

/** Sources are compared by name and hash, shards by content wherever they stand. Either may be of text or of conversations. */
export function diffManifests(before: AnyManifest, after: AnyManifest): ManifestDiff {
  const [old, now] = [byPath(before), byPath(after)];
  const hashes = new Set(before.shards.map(({ sha256 }) => sha256));
  const [a, b] = [described(before), described(after)];
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return {
    isSame: before.root === after.root,
    sourcesAdded: [...now.keys()].filter((path) => !old.has(path)),
    sourcesRemoved: [...old.keys()].filter((path) => !now.has(path)),
    sourcesChanged: [...now]
      .filter(([path, hash]) => old.has(path) && old.get(path) !== hash)
      .map(([path]) => path),
    settings: [...names]
      .filter((name) => a[name] !== b[name])
      .map((name) => `${name}: ${a[name] ?? 'none'} → ${b[name] ?? 'none'}`),
    shardsKept: after.shards.filter(({ sha256 }) => hashes.has(sha256)).length,
    shardsBefore: before.shards.length,
    shardsAfter: after.shards.length,
  };
}

function byPath({ sources }: AnyManifest): Map<string, string> {
  return new Map(sources.map(({ path, sha256 }) => [path, sha256]));
}

type Described = Readonly<Record<string, string | number>>;

function described(manifest: AnyManifest): Described {
  const { root, tokenizer, shardTokens, validationFraction, seed, duplicatesDropped, skipped } = manifest;
  return {
    root,
    ...('kind' in manifest ? describedConversations(manifest) : describedTexts(manifest)),
    tokenizer: tokenizer.id,
    shardTokens,
    validationFraction,
    seed,
    duplicatesDropped,
    skipped,
    // The order of the sources decides the order of the text.
    'order of sources': hashJson(manifest.sources.map(({ path }) => path)).slice(0, 12),
  };
}

function describedTexts({ name, shards, documents, reading, nearDuplicates }: Manifest): Described {
  return {
    kind: 'text',
    source: reading?.source ?? name,
    ...(reading === undefined ? {} : { ...reading }),
    documents,
    'near-duplicates': nearDuplicates?.mode ?? 'ignore',
    'near-duplicates dropped': nearDuplicates?.dropped ?? 0,
    ...totals(shards, 'tokens'),
  };
}

function describedConversations({ kind, template, name, shards, records }: ConversationManifest): Described {
  return { kind, template, source: name, records, ...totals(shards, 'tokens'), ...totals(shards, 'learned') };
}

/** Of each split that there is. */
function totals<K extends string>(
  shards: readonly (Readonly<Record<K, number>> & { readonly split: string })[],
  key: K,
): Described {
  const sums: Record<string, number> = {};
  for (const split of SPLITS)
    for (const shard of shards)
      if (shard.split === split) sums[`${split} ${key}`] = (sums[`${split} ${key}`] ?? 0) + shard[key];
  return sums;
}
