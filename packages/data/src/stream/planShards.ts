/** @file How many shards each split has, how long they are and which numbers they get, from the tokens of each split. */

import { DEFAULT_SHARD_TOKENS, FEWEST_SHARDS, FEWEST_TOKENS } from '../build/planSplits.js';
import { DataError } from '../errors.js';
import { SPLITS, type Split } from '../manifest.js';
import type { BySplit } from './selectDocuments.js';

export interface SplitShards {
  readonly split: Split;
  readonly firstId: number;
  readonly count: number;
  /** Tokens of each but the last. */
  readonly shardTokens: number;
}

export interface ShardPlan {
  readonly shardTokens: number;
  readonly splits: readonly SplitShards[];
}

/**
 * Shards of `shardTokens`, by default 1,000,000 or 1/64 of the text if that is less; validation has at least two.
 * Throws `TEXT_TOO_SHORT`, `DOCUMENTS_TOO_FEW`.
 */
export function planShards(
  tokens: BySplit,
  { shardTokens: wanted, documents }: { readonly shardTokens: number | null; readonly documents: number },
): ShardPlan {
  const total = SPLITS.reduce((sum, split) => sum + tokens[split], 0);
  if (total < FEWEST_TOKENS)
    throw new DataError(
      { code: 'TEXT_TOO_SHORT', tokens: total, neededTokens: FEWEST_TOKENS },
      `the source gives ${total} tokens, and at least ${FEWEST_TOKENS} are needed: add text`,
    );
  if (tokens.train < total / 2 || tokens.validation === 0)
    throw new DataError(
      { code: 'DOCUMENTS_TOO_FEW', documents, duplicatesDropped: 0 },
      `the ${documents} document(s) of the source are too few to keep whole ones apart for validation: use more text, ` +
        'or a larger part for validation',
    );
  const shardTokens = wanted ?? Math.min(DEFAULT_SHARD_TOKENS, Math.floor(total / FEWEST_SHARDS));
  const splits: SplitShards[] = [];
  let firstId = 0;
  for (const split of SPLITS) {
    if (tokens[split] === 0) continue;
    const own = split === 'validation' ? Math.min(shardTokens, Math.ceil(tokens[split] / 2)) : shardTokens;
    const count = Math.ceil(tokens[split] / own);
    splits.push({ split, firstId, count, shardTokens: own });
    firstId += count;
  }
  return { shardTokens, splits };
}
