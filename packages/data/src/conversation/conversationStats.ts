/** @file Figures about a conversation dataset: records by length, and how much of them is learned. */
import type { ConversationSplit } from './conversationManifest.js';
import { partsOf } from './conversationShard.js';
import type { ConversationDataset } from './openConversations.js';

export interface ConversationStats {
  readonly kind: 'chat' | 'preference';
  readonly records: Readonly<Record<ConversationSplit, number>>;
  readonly tokens: Readonly<Record<ConversationSplit, number>>;
  readonly learned: Readonly<Record<ConversationSplit, number>>;
  readonly duplicatesDropped: number;
  readonly skipped: number;
  /** Records with 2^i to 2^(i+1) − 1 tokens, at index i; a preference counts with its longer answer. */
  readonly lengths: readonly number[];
}

/** Throws what reading a shard throws. Cost: all shards are read once. */
export async function conversationStats({
  manifest,
  records,
}: ConversationDataset): Promise<ConversationStats> {
  const lengths: number[] = [];
  for (const index of manifest.shards.keys())
    for (const record of await records(index)) {
      const [first, ...answers] = partsOf(record).map((part) => part.length);
      const power = Math.floor(Math.log2(Math.max(1, first! + Math.max(0, ...answers))));
      while (lengths.length <= power) lengths.push(0);
      lengths[power]!++;
    }
  const sum = (key: 'records' | 'tokens' | 'learned'): Record<ConversationSplit, number> => ({
    train: total(manifest.shards, 'train', key),
    validation: total(manifest.shards, 'validation', key),
  });
  return {
    kind: manifest.kind,
    records: sum('records'),
    tokens: sum('tokens'),
    learned: sum('learned'),
    duplicatesDropped: manifest.duplicatesDropped,
    skipped: manifest.skipped,
    lengths,
  };
}

function total(
  shards: ConversationDataset['manifest']['shards'],
  split: ConversationSplit,
  key: 'records' | 'tokens' | 'learned',
): number {
  return shards.reduce((sum, shard) => (shard.split === split ? sum + shard[key] : sum), 0);
}
