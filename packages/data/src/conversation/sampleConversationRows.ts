/**
 * @file Batches for supervised fine-tuning: whole conversations packed into rows, with the mask of what is learned. A row
 * holds as many conversations as fit, one after the other, and is filled up with separators that nobody learns; one that
 * is longer than a row is cut at its end, or passed over when nothing learned would be left.
 */
import { seededRandom } from '@alice/protocol';
import { DataError, requireInteger } from '../errors.js';
import type { ChatTokens } from './chatTemplate.js';
import type { ConversationSplit } from './conversationManifest.js';
import type { ConversationDataset } from './openConversations.js';
import { recordOrder } from './recordOrder.js';

export interface ConversationSampleOptions {
  readonly dataset: Pick<ConversationDataset, 'manifest' | 'records'>;
  readonly split: ConversationSplit;
  /** Number of rows. */
  readonly rows: number;
  /** Ids in a row: sequenceLength + 1. */
  readonly rowLength: number;
  readonly seed: string;
}

export interface ConversationRows {
  /** (rows × rowLength), row-major. */
  readonly tokens: Uint16Array;
  /** As long as `tokens`: 1 where predicting this very token (from those before it in its row) is learned. */
  readonly mask: Uint8Array;
  /** Conversations in the rows. */
  readonly conversations: number;
}

/**
 * A pure function of dataset and seed. No conversation comes twice before all came once; a small dataset is gone through
 * again until the rows are full. Throws `ROWS_TOO_FEW` when nothing in the split fits, `OPTION_INVALID`, and what reading
 * a shard throws.
 */
export async function sampleConversationRows(options: ConversationSampleOptions): Promise<ConversationRows> {
  const { dataset, rows, rowLength } = options;
  requireInteger('rows', rows, 1, 2 ** 24);
  requireInteger('rowLength', rowLength, 2, 2 ** 20);
  const tokens = new Uint16Array(rows * rowLength).fill(dataset.manifest.tokenizer.separator);
  const mask = new Uint8Array(rows * rowLength);
  let [row, filled, conversations] = [0, 0, 0];
  for await (const record of drawn(options)) {
    const length = Math.min(record.tokens.length, rowLength);
    if (filled + length > rowLength) {
      filled = 0;
      if (++row === rows) break;
    }
    const at = row * rowLength + filled;
    tokens.set(record.tokens.subarray(0, length), at);
    mask.set(record.mask.subarray(0, length), at);
    // Nothing stands before a row's first token to predict it from.
    if (filled === 0) mask[at] = 0;
    filled += length;
    conversations++;
  }
  return { tokens, mask, conversations };
}

/** Conversations in random order, without end. */
async function* drawn({
  dataset,
  split,
  rowLength,
  seed,
}: ConversationSampleOptions): AsyncGenerator<ChatTokens> {
  for (let round = 0; ; round++) {
    let usable = 0;
    for (const { shard, record } of recordOrder(dataset.manifest, split, seededRandom(`${seed}|${round}`))) {
      const found = (await dataset.records(shard))[record]!;
      if (!('mask' in found)) throw wrongKind();
      // The very first token of a row cannot be learned.
      if (!found.mask.subarray(1, rowLength).includes(1)) continue;
      usable++;
      yield found;
    }
    if (usable === 0) throw nothingFits(split);
  }
}

function wrongKind(): DataError {
  return new DataError(
    { code: 'OPTION_INVALID', option: 'dataset', value: 'preference', bounds: 'conversations of kind chat' },
    'these are preference pairs, and conversations are needed: build them with --kind chat',
  );
}

function nothingFits(split: string): DataError {
  return new DataError(
    { code: 'ROWS_TOO_FEW', neededRows: 1, availableRows: 0 },
    `the ${split} split holds no conversation whose answer begins within a row: use longer rows, or more data`,
  );
}
