/**
 * @file The dataset as the server needs it: training shards to hand out, assignments, and secret validation rows. Every
 * use of the data package passes through here.
 */
import {
  assignRanges,
  hashBlocks,
  openDataset,
  rowCount,
  type Split,
  sampleRows,
  type TokenRange,
  tokensToBytes,
} from '@alice/data';
import type { HashHex } from '@alice/protocol';

export interface TrainingShard {
  readonly shard: number;
  readonly tokens: number;
  readonly sizeBytes: number;
  readonly hash: HashHex;
  /** Merkle root over the hashes of its blocks. */
  readonly blocks?: HashHex;
}

export interface ServerData {
  readonly root: HashHex;
  readonly tokenizer: string;
  readonly vocab: number;
  readonly trainingShards: readonly TrainingShard[];
  isValidation(shard: number): boolean;
  /** The tokens of a shard, shared: not to be written to. */
  shardTokens(shard: number): Promise<Uint16Array>;
  /** Canonical little-endian bytes of a shard, checked against the manifest. */
  shardBytes(shard: number): Promise<Uint8Array>;
  /** Hashes of its 64 KiB blocks, one after the other. */
  shardBlocks(shard: number): Promise<Uint8Array>;
  /** Pure in seed, miner and round (TASK-1). */
  assign(request: {
    seed: string;
    miner: string;
    round: number;
    rows: number;
    rowLength: number;
  }): TokenRange[];
  /** How many different validation rows of that length there are. */
  validationRowCount(rowLength: number): number;
  /** Rows from validation shards, `rowLength` tokens each, as little-endian bytes; pure in the seed. */
  validationRows(request: { seed: string; rows: number; rowLength: number }): Promise<Uint8Array>;
  trainingRowCount(rowLength: number): number;
  /** The same from training shards. */
  trainingRows(request: { seed: string; rows: number; rowLength: number }): Promise<Uint8Array>;
}

/** Throws the data package's codes for a missing or damaged dataset. */
export function openServerData(dataDir: string): ServerData {
  const dataset = openDataset(dataDir);
  const { manifest } = dataset;
  const training = manifest.shards.filter(({ split }) => split === 'train');
  const rowsIn = (split: Split, rowLength: number): number =>
    manifest.shards.reduce((sum, s) => sum + (s.split === split ? rowCount(s.tokens, rowLength) : 0), 0);
  return {
    root: manifest.root,
    tokenizer: manifest.tokenizer.id,
    vocab: manifest.tokenizer.vocab,
    trainingShards: training.map(({ id, tokens, bytes, sha256, blocks }) => ({
      shard: id,
      tokens,
      sizeBytes: bytes,
      hash: sha256,
      ...(blocks === undefined ? {} : { blocks }),
    })),
    isValidation: (shard) => manifest.shards.some(({ id, split }) => id === shard && split === 'validation'),
    shardTokens: (shard) => dataset.shard(shard),
    shardBytes: async (shard) => tokensToBytes(await dataset.shard(shard)),
    shardBlocks: async (shard) => hashBlocks(tokensToBytes(await dataset.shard(shard))),
    assign: (request) => {
      const taskTokens = request.rows * (request.rowLength - 1);
      return assignRanges({
        ...request,
        shards: training,
        shardsPerTask: shardsPerTask(training, taskTokens),
      });
    },
    validationRowCount: (rowLength) => rowsIn('validation', rowLength),
    validationRows: async (request) =>
      tokensToBytes(await sampleRows({ dataset, split: 'validation', ...request })),
    trainingRowCount: (rowLength) => rowsIn('train', rowLength),
    trainingRows: async (request) => tokensToBytes(await sampleRows({ dataset, split: 'train', ...request })),
  };
}

/** A miner's cache holds a text of this size whole, so a task may draw from many of its shards. */
const CACHED_TOKENS = 32_000_000;
const MOST_SHARDS = 8;

/** Few enough shards that a miner downloads at most some eight times what it trains on. */
function shardsPerTask(training: readonly { readonly tokens: number }[], taskTokens: number): number {
  const total = training.reduce((sum, { tokens }) => sum + tokens, 0);
  if (total <= CACHED_TOKENS) return MOST_SHARDS;
  const average = total / training.length;
  return Math.max(1, Math.min(MOST_SHARDS, Math.floor((MOST_SHARDS * taskTokens) / average)));
}
