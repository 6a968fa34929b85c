/** @file Checks a whole conversation dataset: every hash, the counts, what is learned, and that no record is in two splits. */
import { DataError } from '../errors.js';
import type { DatasetReport, VerifyOptions } from '../verifyDataset.js';
import type { ConversationSplit } from './conversationManifest.js';
import { type ConversationRecord, learnedTokens, partsOf } from './conversationShard.js';
import { openConversations } from './openConversations.js';
import { recordHash } from './recordHash.js';

/** Damage is reported; an unreadable manifest is thrown. Cost: all shards are read; a hash in memory a held-out record. */
export async function verifyConversations(
  dir: string,
  { onShard }: Pick<VerifyOptions, 'onShard'> = {},
): Promise<DatasetReport> {
  const { manifest, records } = openConversations(dir);
  const problems: { info: DataError['info']; message: string }[] = [];
  const note = ({ info, message }: DataError): unknown => problems.push({ info, message });
  const seen = new Map<string, ConversationSplit>();
  let tokens = 0;
  // Validation first: it is the smaller one to remember.
  const order = [...manifest.shards.keys()].reverse();
  for (const index of order) {
    const shard = manifest.shards[index]!;
    try {
      const found = await records(index);
      const counted = { tokens: sum(found, tokensOf), learned: sum(found, learnedTokens) };
      if (counted.tokens !== shard.tokens || counted.learned !== shard.learned)
        throw miscounted(index, counted);
      for (const [i, record] of found.entries()) {
        const key = recordHash(record).toString('base64');
        if (shard.split === 'validation') seen.set(key, shard.split);
        else if (seen.has(key)) note(overlap(index, i));
      }
      tokens += counted.tokens;
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      note(error);
    }
    onShard?.(shard.tokens);
  }
  return { root: manifest.root, shards: manifest.shards.length, tokens, problems };
}

/** All tokens of a record. */
function tokensOf(record: ConversationRecord): number {
  return partsOf(record).reduce((total, part) => total + part.length, 0);
}

function sum(records: readonly ConversationRecord[], of: (record: ConversationRecord) => number): number {
  return records.reduce((total, record) => total + of(record), 0);
}

function miscounted(shard: number, { tokens, learned }: { tokens: number; learned: number }): DataError {
  return new DataError(
    { code: 'CONVERSATIONS_INVALID', file: `shard ${shard}`, reason: `${tokens} tokens, ${learned} learned` },
    `shard ${shard} holds ${tokens} tokens of which ${learned} are learned, the manifest says otherwise: build again`,
  );
}

function overlap(shard: number, position: number): DataError {
  return new DataError(
    { code: 'SPLIT_OVERLAP', shard, position, split: 'validation' },
    `record ${position} of shard ${shard} is also in the validation split: do not use this dataset`,
  );
}
