/** @file What a build can be told, with bounds and defaults. */
import type { Logger } from '@alice/protocol';
import { DataError, requireInteger } from '../errors.js';
import type { NearDuplicates } from '../near/findNearDuplicates.js';
import type { ShardTokenizer } from '../shardTokenizer.js';
import type { TokenizerModule } from '../stream/tokenizerModule.js';

export const DEFAULT_VALIDATION_FRACTION = 0.03;

export interface BuildProgress {
  readonly stage: 'inventory' | 'tokenize' | 'duplicates' | 'write' | 'done';
  /** Stored bytes in `tokenize`, tokens in `write`. */
  readonly done: number;
  readonly total: number;
  readonly documents: number;
  /** Bytes of text and tokens made so far, interrupted builds included; only when building as a stream. */
  readonly textBytes?: number;
  readonly tokens?: number;
}

export interface BuildDatasetOptions {
  /**
   * `builtin`; a file or a folder of .txt, .jsonl (also .gz, .zst) and .parquet; the address of either; or a data set on
   * a hub, `hf:owner/name[@revision][/path]`.
   */
  readonly source: string;
  readonly outDir: string;
  readonly tokenizer: ShardTokenizer;
  /** Tokens of a shard, 64 to 2³¹. Default: 1,000,000, or 1/64 of the text if that is less. */
  readonly shardTokens?: number;
  /** Part of the tokens kept for validation, in (0, 0.5). Default 0.03, or `validationShards` of `shards`. */
  readonly validationFraction?: number;
  /** Decides the order of the documents and which of them are for validation. */
  readonly seed: string;
  /** What to do with files that are not UTF-8 and lines that are no documents: refuse (default), or skip and count. */
  readonly onInvalid?: 'refuse' | 'skip';
  /** Whether a different dataset in `outDir` may be overwritten. Default: no. */
  readonly replace?: boolean;
  /** Part of the documents kept for audit, which nobody trains on or scores with. Default: none. */
  readonly auditFraction?: number;
  /** The most tokens in all shards together. */
  readonly tokens?: number;
  /** Exactly so many shards, of which the last are for validation (default 3 %, 2 to 50) and then for audit. */
  readonly shards?: number;
  readonly validationShards?: number;
  readonly auditShards?: number;
  /**
   * What to do with near-duplicates (four fifths of their five-word shingles in common): not look for them; keep them, but
   * never in two splits; keep the first only. Default: `keep`; for the built-in corpus, which has none, `ignore`.
   */
  readonly nearDuplicates?: NearDuplicates;
  /** Field of a JSON line, or column of a parquet file, that holds the text. Default `text`. */
  readonly textField?: string;
  /** The longest line of a JSON lines file. Default 64 MiB. */
  readonly lineLimitBytes?: number;
  /** Where worker threads find the tokenizer. Without it, one thread does everything. */
  readonly tokenizerModule?: TokenizerModule;
  /** Threads. Default: one a core. They never change the result. */
  readonly workers?: number;
  /** Build as a stream even if the text is small. */
  readonly stream?: boolean;
  readonly onProgress?: (progress: BuildProgress) => void;
  readonly signal?: AbortSignal;
  readonly logger?: Logger;
}

/** Throws `OPTION_INVALID`. */
export function checkOptions({
  tokenizer,
  shardTokens,
  validationFraction,
  seed,
}: BuildDatasetOptions): void {
  requireInteger('tokenizer.vocab', tokenizer.vocab, 2, 65_536);
  requireInteger('tokenizer.separator', tokenizer.separator, 0, tokenizer.vocab - 1);
  if (shardTokens !== undefined) requireInteger('shardTokens', shardTokens, 64, 2 ** 31);
  requireInteger('length of seed', seed.length, 0, 200);
  const fraction = validationFraction ?? DEFAULT_VALIDATION_FRACTION;
  if (fraction > 0 && fraction < 0.5) return;
  throw new DataError(
    { code: 'OPTION_INVALID', option: 'validationFraction', value: fraction, bounds: 'between 0 and 0.5' },
    `validationFraction must be between 0 and 0.5, not ${fraction}`,
  );
}
