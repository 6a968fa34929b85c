/**
 * @file The one way to build a dataset (DATA-1): chooses how. A moderate amount of plain local text is shuffled document by
 * document (`buildWhole`); all else, and whatever asks for limits, threads or an audit split, is built as a stream with
 * checkpoints (`buildStreamed`). The choice depends on source and options only.
 */
import { stat } from 'node:fs/promises';
import { requireInteger } from '../errors.js';
import type { Manifest } from '../manifest.js';
import { BUILTIN } from '../sources/builtinCorpus.js';
import { DEFAULT_LINE_LIMIT_BYTES } from '../sources/jsonLines.js';
import type { ListedSource } from '../sources/ListedFile.js';
import { isRemote, listSource } from '../sources/listSource.js';
import { buildStreamed } from '../stream/buildStreamed.js';
import type { StreamSettings } from '../stream/settings.js';
import { type BuildDatasetOptions, checkOptions, DEFAULT_VALIDATION_FRACTION } from './buildOptions.js';
import { buildWhole } from './buildWhole.js';
import { inOutput } from './inOutput.js';
import { DEFAULT_SHARD_TOKENS } from './planSplits.js';

/** Up to so much plain text is shuffled document by document. */
const WHOLE_BYTES = 256 * 2 ** 20;
const DOCUMENT_LIMIT = 65_536;

/**
 * Builds the dataset of `source` in `outDir` and returns its manifest. Run again after an interruption, it goes on.
 * Throws `OPTION_INVALID`, the `SOURCE_…`, `TEXT_…` and `JSON_LINE_INVALID` codes,
 * `DOCUMENTS_TOO_FEW`, the `OUTPUT_…` codes; the signal's reason when aborted.
 */
export async function buildDataset(options: BuildDatasetOptions): Promise<Manifest> {
  checkOptions(options);
  const listed = await listForStream(options);
  if (listed === null) return inOutput(options.outDir, () => buildWhole(options));
  options.onProgress?.({ stage: 'inventory', done: 1, total: 1, documents: 0 });
  const settings = settingsOf(options);
  return inOutput(options.outDir, () =>
    buildStreamed({
      ...options,
      listed,
      settings,
      requireFull: options.shards !== undefined,
      replace: options.replace ?? false,
    }),
  );
}

/** The files to stream, or null when the text is to be built whole. */
async function listForStream(options: BuildDatasetOptions): Promise<ListedSource | null> {
  const { source, signal } = options;
  if (source === BUILTIN) return null;
  const needsStream =
    options.stream === true ||
    [options.tokens, options.shards, options.auditFraction, options.auditShards, options.textField].some(
      (option) => option !== undefined,
    );
  if (needsStream || isRemote(source)) return await listSource(source, { signal });
  // What is missing or unsuitable is for the whole build to say.
  if ((await stat(source).catch(() => null)) === null) return null;
  const listed = await listSource(source, { signal }).catch(() => null);
  const isPlain = listed?.files.every(({ path }) => /\.(txt|jsonl)$/i.test(path)) ?? true;
  const bytes = listed?.files.reduce((sum, file) => sum + file.bytes, 0) ?? 0;
  return isPlain && bytes <= WHOLE_BYTES ? null : listed;
}

function settingsOf(options: BuildDatasetOptions): StreamSettings {
  const { tokenizer, seed, shards, onInvalid = 'refuse' } = options;
  const base = {
    tokenizer: { id: tokenizer.id, vocab: tokenizer.vocab, separator: tokenizer.separator },
    seed,
    onInvalid,
    textField: options.textField ?? 'text',
    nearDuplicates: options.nearDuplicates ?? ('keep' as const),
    documentLimit: DOCUMENT_LIMIT,
    lineLimitBytes: options.lineLimitBytes ?? DEFAULT_LINE_LIMIT_BYTES,
  };
  if (shards !== undefined) return { ...base, ...countedShards(options, shards) };
  const validationFraction = options.validationFraction ?? DEFAULT_VALIDATION_FRACTION;
  const auditFraction = options.auditFraction ?? 0;
  const mostTokens =
    options.tokens === undefined ? null : portions(options.tokens, { validationFraction, auditFraction });
  return { ...base, validationFraction, auditFraction, mostTokens, shardTokens: options.shardTokens ?? null };
}

function portions(
  tokens: number,
  { validationFraction, auditFraction }: { validationFraction: number; auditFraction: number },
): StreamSettings['mostTokens'] {
  const [validation, audit] = [Math.round(tokens * validationFraction), Math.round(tokens * auditFraction)];
  return { train: tokens - validation - audit, validation, audit };
}

/** A number of shards given: the parts by number of shards, each split as many tokens as its shards hold. */
function countedShards(
  options: BuildDatasetOptions,
  shards: number,
): Pick<StreamSettings, 'validationFraction' | 'auditFraction' | 'mostTokens' | 'shardTokens'> {
  const { tokens, shardTokens = tokens === undefined ? DEFAULT_SHARD_TOKENS : Math.floor(tokens / shards) } =
    options;
  requireInteger('shards', shards, 4);
  requireInteger('shardTokens', shardTokens, 64);
  const byDefault = Math.min(50, Math.max(2, Math.round(DEFAULT_VALIDATION_FRACTION * shards)));
  const { validationShards = byDefault, auditShards = 0 } = options;
  requireInteger('auditShards', auditShards, 0, Math.floor(shards / 4));
  requireInteger('validationShards', validationShards, 2, Math.floor(shards / 2));
  const train = shards - validationShards - auditShards;
  return {
    validationFraction: validationShards / shards,
    auditFraction: auditShards / shards,
    shardTokens,
    mostTokens: {
      train: train * shardTokens,
      validation: validationShards * shardTokens,
      audit: auditShards * shardTokens,
    },
  };
}
