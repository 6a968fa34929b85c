/**
 * @file Makes the records of a conversation dataset again from the published source and compares: some records, drawn by seed,
 * must be among those the source gives, and each source file must have the hash that the manifest names.
 */
import { seededRandom } from '@alice/protocol';
import type { SourceCheck } from '../audit/verifyAgainstSource.js';
import { DataError } from '../errors.js';
import type { ShardTokenizer } from '../shardTokenizer.js';
import { DEFAULT_LINE_LIMIT_BYTES } from '../sources/jsonLines.js';
import { listSource } from '../sources/listSource.js';
import { ReadAccount, storedBytes } from '../sources/openBytes.js';
import { hubAccess } from '../sources/remote/listHub.js';
import { writtenPath } from '../sources/writtenPath.js';
import { partsOf } from './conversationShard.js';
import type { ConversationDataset } from './openConversations.js';
import { recordHash } from './recordHash.js';
import { recordOrder } from './recordOrder.js';
import { streamConversations } from './streamConversations.js';

export interface ConversationSourceCheckOptions {
  readonly dataset: ConversationDataset;
  /** Where the source is now. */
  readonly source: string;
  readonly tokenizer: ShardTokenizer;
  /** Records to look for, of each split. */
  readonly samples: number;
  readonly seed: string;
}

/** Throws what reading source and shards throws. Cost: the source is read twice. */
export async function verifyConversationSource(
  options: ConversationSourceCheckOptions,
): Promise<SourceCheck> {
  const { dataset, tokenizer } = options;
  const { kind, sources } = dataset.manifest;
  const wanted = await drawnRecords(options);
  const hashes = new Map(sources.map(({ path, sha256 }) => [path, sha256]));
  const problems: DataError[] = [];
  let [documents, tokens] = [0, 0];
  for (const file of (await listSource(options.source)).files) {
    const expected = hashes.get(writtenPath(file.path));
    if (expected === undefined) continue;
    const account = new ReadAccount();
    for await (const chunk of storedBytes(file, hubAccess())) account.add(chunk);
    if (account.sha256() !== expected) problems.push(mismatch(file.path, 'the file has another hash now'));
    const reading = {
      ...{ kind, tokenizer, access: hubAccess(), account: new ReadAccount() },
      ...{ lineLimitBytes: DEFAULT_LINE_LIMIT_BYTES, onFault: () => undefined },
    };
    for await (const batch of streamConversations(file, reading))
      for (const { record } of batch) {
        if (!wanted.delete(recordHash(record).toString('hex'))) continue;
        documents++;
        tokens += partsOf(record).reduce((sum, part) => sum + part.length, 0);
      }
  }
  if (wanted.size > 0)
    problems.push(mismatch(options.source, `it does not give ${wanted.size} of the records`));
  return { documents, tokens, problems };
}

async function drawnRecords({
  dataset,
  samples,
  seed,
}: ConversationSourceCheckOptions): Promise<Set<string>> {
  const drawn = new Set<string>();
  for (const split of ['train', 'validation'] as const) {
    let left = samples;
    for (const { shard, record } of recordOrder(
      dataset.manifest,
      split,
      seededRandom(`${seed}|source check`),
    )) {
      if (left-- === 0) break;
      drawn.add(recordHash((await dataset.records(shard))[record]!).toString('hex'));
    }
  }
  return drawn;
}

function mismatch(source: string, reason: string): DataError {
  return new DataError(
    { code: 'PROVENANCE_MISMATCH', source, reason },
    `the conversations do not follow from ${source}: ${reason}`,
  );
}
