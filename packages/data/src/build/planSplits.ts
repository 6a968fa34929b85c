/**
 * @file Decides, before any shard exists, which documents are for training and which for validation, in which order,
 * and how long shards are. Whole documents go to one side, so no text is ever in both (DATA-1).
 */
import { seededRandom } from '@alice/protocol';
import { DataError } from '../errors.js';

/** A document in the token spill. */
export interface SpilledDocument {
  /** SHA-256 of its text. */
  readonly hash: string;
  /** First token, and number of tokens with the separator. */
  readonly from: number;
  readonly tokens: number;
  /** Index of its file. */
  readonly source: number;
  /** Null when near-duplicates are not looked for. */
  readonly signature: Uint8Array | null;
}

export interface SplitPlan {
  readonly train: readonly SpilledDocument[];
  readonly validation: readonly SpilledDocument[];
  readonly shardTokens: number;
  /** Shorter than `shardTokens` when one shard would hold all of validation: there are at least two. */
  readonly validationShardTokens: number;
}

export interface SplitOptions {
  readonly documents: readonly SpilledDocument[];
  readonly seed: string;
  readonly shardTokens: number | undefined;
  readonly validationFraction: number;
  readonly duplicatesDropped: number;
}

export const DEFAULT_SHARD_TOKENS = 1_000_000;
/** A source is cut into at least this many shards, so that several miners have different ones. */
export const FEWEST_SHARDS = 64;
/** Less text than this cannot be split into shards that a task fits in. */
export const FEWEST_TOKENS = 50_000;

/**
 * Documents are ordered by hash and then shuffled by seed, so the order does not depend on file names; the last of them
 * become validation until it holds `validationFraction` of the tokens and two shards (or 1/32 of the text, if two
 * shards are more). Shards have 1,000,000 tokens, or 1/64 of the text if that is less, unless the caller says otherwise.
 * Throws `TEXT_TOO_SHORT`, `DOCUMENTS_TOO_FEW`.
 */
export function planSplits(options: SplitOptions): SplitPlan {
  const tokens = totalTokens(options.documents);
  if (tokens < FEWEST_TOKENS) throw tooShort(tokens);
  const shardTokens =
    options.shardTokens ?? Math.min(DEFAULT_SHARD_TOKENS, Math.floor(tokens / FEWEST_SHARDS));
  const target = Math.max(options.validationFraction * tokens, Math.min(2 * shardTokens, tokens / 32));
  const order = shuffled(options.documents, options.seed);
  let first = order.length;
  for (let taken = 0; first > 0 && taken < target; ) taken += order[--first]!.tokens;
  const [train, validation] = [order.slice(0, first), order.slice(first)];
  // One huge document can swallow the text: then there is nothing left to train on.
  if (totalTokens(train) < tokens / 2) throw tooFew(options);
  const validationShardTokens = Math.min(shardTokens, Math.ceil(totalTokens(validation) / 2));
  return { train, validation, shardTokens, validationShardTokens };
}

export function totalTokens(documents: readonly SpilledDocument[]): number {
  return documents.reduce((sum, document) => sum + document.tokens, 0);
}

/** Fisher–Yates over the documents in hash order. */
function shuffled(documents: readonly SpilledDocument[], seed: string): SpilledDocument[] {
  const order = [...documents].sort((a, b) => (a.hash < b.hash ? -1 : 1));
  const random = seededRandom(`${seed}|documents`);
  for (let i = order.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}

function tooShort(tokens: number): DataError {
  return new DataError(
    { code: 'TEXT_TOO_SHORT', tokens, neededTokens: FEWEST_TOKENS },
    `the text has ${tokens} tokens after duplicates were dropped, and at least ${FEWEST_TOKENS} are needed ` +
      "(about 200 KB of English): add text, or use the source 'builtin'",
  );
}

function tooFew({ documents, duplicatesDropped }: SplitOptions): DataError {
  return new DataError(
    { code: 'DOCUMENTS_TOO_FEW', documents: documents.length, duplicatesDropped },
    `the text has ${documents.length} document(s), too few or too unequal to keep whole ones apart for validation: ` +
      'use more files, or .txt files, which are cut at blank lines',
  );
}
