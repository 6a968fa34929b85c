/** @file Preference pairs for direct preference optimisation, in random order. */
import { seededRandom } from '@alice/protocol';
import { DataError, requireInteger } from '../errors.js';
import type { ConversationSplit } from './conversationManifest.js';
import type { PreferenceTokens } from './conversationShard.js';
import type { ConversationDataset } from './openConversations.js';
import { recordOrder } from './recordOrder.js';

export interface PreferenceOptions {
  readonly dataset: Pick<ConversationDataset, 'manifest' | 'records'>;
  readonly split: ConversationSplit;
  readonly seed: string;
  /** Longest prompt and answer together, tokens; longer pairs are passed over. Default: no limit. */
  readonly longestTokens?: number;
  /** How often the split is gone through. Default 1. */
  readonly epochs?: number;
}

/**
 * Pairs of token ids: prompt ‖ chosen and prompt ‖ rejected are what the model sees, the answers with their separators are
 * what is compared. A pure function of dataset and seed; another order each epoch. Throws `OPTION_INVALID`, `ROWS_TOO_FEW`
 * when no pair fits, and what reading a shard throws.
 */
export async function* preferencePairs(options: PreferenceOptions): AsyncGenerator<PreferenceTokens> {
  const { dataset, split, seed, longestTokens = Number.MAX_SAFE_INTEGER, epochs = 1 } = options;
  requireInteger('epochs', epochs, 1);
  for (let epoch = 0; epoch < epochs; epoch++) {
    let count = 0;
    for (const { shard, record } of recordOrder(dataset.manifest, split, seededRandom(`${seed}|${epoch}`))) {
      const pair = (await dataset.records(shard))[record]!;
      if ('mask' in pair) throw wrongKind();
      if (pair.prompt.length + Math.max(pair.chosen.length, pair.rejected.length) > longestTokens) continue;
      count++;
      yield pair;
    }
    if (count === 0) throw nothingFits(split);
  }
}

function wrongKind(): DataError {
  return new DataError(
    { code: 'OPTION_INVALID', option: 'dataset', value: 'chat', bounds: 'conversations of kind preference' },
    'these are conversations, and preference pairs are needed: build them with --kind preference',
  );
}

function nothingFits(split: string): DataError {
  return new DataError(
    { code: 'ROWS_TOO_FEW', neededRows: 1, availableRows: 0 },
    `the ${split} split holds no pair that is short enough: allow longer ones, or use more data`,
  );
}
