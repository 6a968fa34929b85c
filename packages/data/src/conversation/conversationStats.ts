/** @file Figures about a conversation dataset: records by length and source, what of them is learned, and how answers differ. */
import { type SourceFolder, sourceFolders } from '../audit/sourceFolders.js';
import type { ConversationSplit } from './conversationManifest.js';
import { type ConversationRecord, learnedTokens, partsOf } from './conversationShard.js';
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
  /** Records of which i to i + 1 tenths of the tokens are learned, at index i (the last with ten tenths). */
  readonly learnedTenths: readonly number[];
  /** Chats with i answers, at index i; `MOST_ANSWERS` or more at the last. Empty for preferences. */
  readonly answers: readonly number[];
  /** Preferences by which answer has more tokens; null for chats. A model easily learns length instead of worth. */
  readonly longer: { readonly chosen: number; readonly rejected: number; readonly neither: number } | null;
  /** Records of each folder of the source, most first. */
  readonly folders: readonly SourceFolder[];
}

export const MOST_ANSWERS = 10;

/** Throws what reading a shard throws. Cost: all shards are read once. */
export async function conversationStats({
  manifest,
  records,
}: ConversationDataset): Promise<ConversationStats> {
  const lengths: number[] = [];
  const learnedTenths = new Array<number>(10).fill(0);
  const answers: number[] = [];
  const longer = { chosen: 0, rejected: 0, neither: 0 };
  for (const index of manifest.shards.keys())
    for (const record of await records(index)) {
      const parts = partsOf(record).map((part) => part.length);
      const [first = 0, ...others] = parts;
      count(lengths, Math.floor(Math.log2(Math.max(1, first + Math.max(0, ...others)))));
      const tokens = parts.reduce((sum, length) => sum + length, 0);
      count(learnedTenths, Math.min(9, Math.floor((10 * learnedTokens(record)) / Math.max(1, tokens))));
      if ('mask' in record) count(answers, Math.min(MOST_ANSWERS, answersOf(record.mask)));
      else longer[longerOf(record)]++;
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
    learnedTenths,
    answers,
    longer: manifest.kind === 'preference' ? longer : null,
    folders: sourceFolders(manifest.sources),
  };
}

function count(counts: number[], index: number): void {
  while (counts.length <= index) counts.push(0);
  counts[index]!++;
}

/** Runs of learned tokens. */
function answersOf(mask: Uint8Array): number {
  return mask.reduce((runs, bit, i) => (bit === 1 && mask[i - 1] !== 1 ? runs + 1 : runs), 0);
}

function longerOf({
  chosen,
  rejected,
}: Exclude<ConversationRecord, { mask: unknown }>): 'chosen' | 'rejected' | 'neither' {
  if (chosen.length === rejected.length) return 'neither';
  return chosen.length > rejected.length ? 'chosen' : 'rejected';
}

function total(
  shards: ConversationDataset['manifest']['shards'],
  split: ConversationSplit,
  key: 'records' | 'tokens' | 'learned',
): number {
  return shards.reduce((sum, shard) => (shard.split === split ? sum + shard[key] : sum), 0);
}
