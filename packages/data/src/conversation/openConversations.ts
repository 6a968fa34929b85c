/** @file A built conversation dataset, read shard by shard; every shard is checked when it is read, the last few are kept. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCodeOf } from '@alice/protocol';
import { DataError } from '../errors.js';
import { hashBytes } from '../hashBytes.js';
import { readManifestWith } from '../readManifest.js';
import {
  type ConversationManifest,
  conversationShardName,
  parseConversationManifest,
} from './conversationManifest.js';
import { type ConversationRecord, decodeConversationShard } from './conversationShard.js';

export interface ConversationDataset {
  readonly dir: string;
  readonly manifest: ConversationManifest;
  /**
   * The records of the i-th shard of the manifest; callers must not write to them. Throws `SHARD_UNKNOWN`,
   * `SHARD_MISSING`, `SHARD_HASH_MISMATCH`, `SHARD_TRUNCATED`.
   */
  records(index: number): Promise<readonly ConversationRecord[]>;
}

const KEPT_SHARDS = 16;
const REMEDY = 'copy it again from another place, or build the conversations again';

/** Only the manifest is read. Throws `MANIFEST_MISSING`, `MANIFEST_INVALID`. */
export function openConversations(dir: string): ConversationDataset {
  const manifest = readConversationManifest(dir);
  const kept = new Map<number, Promise<readonly ConversationRecord[]>>();
  const records = (index: number): Promise<readonly ConversationRecord[]> => {
    const found = kept.get(index) ?? readShard(dir, manifest, index);
    kept.delete(index);
    kept.set(index, found);
    if (kept.size > KEPT_SHARDS) kept.delete(kept.keys().next().value!);
    found.catch(() => kept.get(index) === found && kept.delete(index));
    return found;
  };
  return { dir, manifest, records };
}

/** Throws `MANIFEST_MISSING`, `MANIFEST_INVALID`. */
export function readConversationManifest(dir: string): ConversationManifest {
  return readManifestWith(dir, parseConversationManifest);
}

async function readShard(
  dir: string,
  { shards, kind, tokenizer }: ConversationManifest,
  index: number,
): Promise<readonly ConversationRecord[]> {
  const info = shards[index];
  if (info === undefined)
    throw new DataError(
      { code: 'SHARD_UNKNOWN', shard: index, shards: shards.length },
      `there is no shard ${index}: this dataset has shards 0 to ${shards.length - 1}`,
    );
  const file = join(dir, conversationShardName(info));
  const bytes = await readFile(file).catch((cause) => {
    if (errorCodeOf(cause) !== 'ENOENT') throw cause;
    throw new DataError({ code: 'SHARD_MISSING', shard: index, file }, `${file} is missing: ${REMEDY}`, {
      cause,
    });
  });
  const actual = hashBytes(bytes);
  if (actual !== info.sha256)
    throw new DataError(
      { code: 'SHARD_HASH_MISMATCH', shard: index, file, expected: info.sha256, actual },
      `${file} does not have the content the manifest names (SHA-256 ${actual}): ${REMEDY}`,
    );
  const decoded = decodeConversationShard(bytes);
  const reason =
    'reason' in decoded
      ? decoded.reason
      : contradiction(decoded, { kind, records: info.records, vocab: tokenizer.vocab });
  if (reason === null && 'records' in decoded) return decoded.records;
  throw new DataError(
    { code: 'CONVERSATIONS_INVALID', file, reason: reason ?? '' },
    `${file} cannot be read (${reason}), though it has the hash that its manifest names: ask whoever built it`,
  );
}

/** What a shard of a hostile builder may still get wrong. */
function contradiction(
  found: { readonly kind: string; readonly records: readonly ConversationRecord[] },
  expected: { readonly kind: string; readonly records: number; readonly vocab: number },
): string | null {
  if (found.kind !== expected.kind) return `it holds ${found.kind} records`;
  if (found.records.length !== expected.records) return `it holds ${found.records.length} records`;
  const isOutside = (ids: Uint16Array): boolean => ids.some((id) => id >= expected.vocab);
  const isBad = found.records.some((record) =>
    'mask' in record
      ? isOutside(record.tokens)
      : [record.prompt, record.chosen, record.rejected].some((ids) => ids.length === 0 || isOutside(ids)),
  );
  return isBad ? 'an empty part, or a token outside the vocabulary' : null;
}
