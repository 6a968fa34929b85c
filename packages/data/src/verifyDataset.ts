/** @file Checks a whole dataset: every hash, the counts, the root, and that each id is one of the tokenizer's. */
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { BLOCKS_FILE, blockHashRange, blocksRoot } from './blockLayout.js';
import { datasetRoot } from './datasetRoot.js';
import { DataError, type DataErrorInfo } from './errors.js';
import type { Manifest, ShardInfo } from './manifest.js';
import { readManifest } from './readManifest.js';
import { readShard } from './readShard.js';
import { hashBlocks } from './shardBlocks.js';
import { tokensToBytes } from './shardBytes.js';

export interface DatasetProblem {
  readonly info: DataErrorInfo;
  /** A sentence for a person, with what to do. */
  readonly message: string;
}

export interface DatasetReport {
  readonly root: Manifest['root'];
  readonly shards: number;
  /** Tokens in shards that are as they should be. */
  readonly tokens: number;
  /** Empty when all is well. */
  readonly problems: readonly DatasetProblem[];
}

export interface VerifyOptions {
  /** What the dataset is compared with: the tokenizer it is to be used with. */
  readonly tokenizer?: { readonly id: string; readonly vocab: number; readonly separator: number };
  /** Called after each shard with how many tokens the manifest gives it. */
  readonly onShard?: (tokens: number) => void;
}

/**
 * Damage to shards is reported, all of it; an unreadable manifest is thrown (`MANIFEST_MISSING`, `MANIFEST_INVALID`),
 * since nothing can be compared without it. Cost: one reading of all shards.
 */
export async function verifyDataset(
  dir: string,
  { tokenizer, onShard }: VerifyOptions = {},
): Promise<DatasetReport> {
  const manifest = readManifest(dir);
  const problems: DatasetProblem[] = [];
  const note = (error: DataError): unknown => problems.push({ info: error.info, message: error.message });
  if (tokenizer !== undefined) noteOtherTokenizer(manifest, tokenizer, note);
  let [tokens, documents] = [0, 0];
  for (const shard of manifest.shards) {
    try {
      const ids = await readShard(dir, shard);
      checkBounds(shard, ids, manifest);
      if (shard.blocks !== undefined) await checkBlocks(dir, shard, { ids, manifest });
      tokens += ids.length;
      documents += occurrences(ids, manifest.tokenizer.separator);
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      note(error);
    }
    onShard?.(shard.tokens);
  }
  // The separator stands once after each document and nowhere else.
  if (problems.length === 0 && documents !== manifest.documents)
    note(miscounted(manifest.documents, documents));
  return { root: datasetRoot(manifest.shards), shards: manifest.shards.length, tokens, problems };
}

type Named = Required<VerifyOptions>['tokenizer'];

function noteOtherTokenizer(
  { tokenizer: own }: Manifest,
  given: Named,
  note: (error: DataError) => unknown,
): void {
  if (own.id === given.id && own.vocab === given.vocab && own.separator === given.separator) return;
  note(
    new DataError(
      { code: 'TOKENIZER_MISMATCH', expected: given.id, actual: own.id },
      `the dataset was made with tokenizer '${own.id}' (${own.vocab} ids), not '${given.id}' (${given.vocab} ids): ` +
        'build it again with the tokenizer of the model',
    ),
  );
}

function checkBounds(shard: ShardInfo, ids: Uint16Array, { tokenizer: { vocab } }: Manifest): void {
  const position = ids.findIndex((id) => id >= vocab);
  if (position < 0) return;
  throw new DataError(
    { code: 'SHARD_TOKEN_OUT_OF_RANGE', shard: shard.id, position, token: ids[position]!, vocab },
    `shard ${shard.id} holds token ${ids[position]} at ${position}, the vocabulary ends at ${vocab - 1}: build it again`,
  );
}

/** The hashes by which parts of the shard are checked must be those of its blocks. */
async function checkBlocks(
  dir: string,
  shard: ShardInfo,
  { ids, manifest }: { ids: Uint16Array; manifest: Manifest },
): Promise<void> {
  const file = join(dir, BLOCKS_FILE);
  const hashes = hashBlocks(tokensToBytes(ids));
  const found = Buffer.alloc(hashes.length);
  const handle = await open(file, 'r').catch(() => null);
  await handle?.read(found, 0, found.length, blockHashRange(manifest.shards, shard.id).from);
  await handle?.close();
  if (blocksRoot(hashes) === shard.blocks && found.equals(hashes)) return;
  throw new DataError(
    { code: 'BLOCKS_INVALID', file, shard: shard.id },
    `${file} does not hold the block hashes of shard ${shard.id}: fetch it again, or build the dataset again`,
  );
}

function occurrences(ids: Uint16Array, wanted: number): number {
  let count = 0;
  for (const id of ids) if (id === wanted) count++;
  return count;
}

function miscounted(expected: number, actual: number): DataError {
  return new DataError(
    { code: 'DOCUMENTS_MISCOUNTED', expected, actual },
    `the shards hold ${actual} documents, the manifest says ${expected}: build the dataset again`,
  );
}
