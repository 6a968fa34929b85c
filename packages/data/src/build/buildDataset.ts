/**
 * @file Text → documents → tokens → shards → manifest (DATA-1). Deterministic: the same text, options and tokenizer give
 * the same bytes on every machine. The manifest is written last, so a folder with a manifest is complete; a build over
 * an unfinished one starts anew, and a build over the finished same one has nothing to do.
 */
import { mkdir, readdir, rm } from 'node:fs/promises';
import { basename, extname, join, resolve } from 'node:path';
import { type HashHex, hashJson, type Logger, silentLogger } from '@alice/protocol';
import { datasetRoot } from '../datasetRoot.js';
import { DataError, requireInteger } from '../errors.js';
import { MANIFEST_FILE, MANIFEST_FORMAT, type Manifest, manifestText, parseManifest } from '../manifest.js';
import { readManifest } from '../readManifest.js';
import type { ShardTokenizer } from '../shardTokenizer.js';
import { BUILTIN } from '../sources/builtinCorpus.js';
import { type Inventory, takeInventory } from '../sources/takeInventory.js';
import { verifyDataset } from '../verifyDataset.js';
import { TEMPORARY_ENDING, writeFileAtomically } from '../writeFileAtomically.js';
import { planSplits, type SpilledDocument } from './planSplits.js';
import { ShardWriter } from './ShardWriter.js';
import { TokenSpill } from './TokenSpill.js';
import { tokenizeSource } from './tokenizeSource.js';

export interface BuildProgress {
  readonly stage: 'inventory' | 'tokenize' | 'write' | 'done';
  /** Bytes of text in `tokenize`, tokens in `write`. */
  readonly done: number;
  readonly total: number;
  readonly documents: number;
}

export interface BuildDatasetOptions {
  /** `builtin`, a .txt or .jsonl file, or a folder of such files. */
  readonly source: string;
  readonly outDir: string;
  readonly tokenizer: ShardTokenizer;
  /** Tokens of a shard, 64 to 2³¹. Default: 1,000,000, or 1/64 of the text if that is less. */
  readonly shardTokens?: number;
  /** Part of the tokens kept for validation, in (0, 0.5); at least two shards' worth, or 1/32. Default 0.03. */
  readonly validationFraction?: number;
  /** Decides the order of the documents and which of them are for validation. */
  readonly seed: string;
  /** What to do with files that are not UTF-8 and lines that are no documents: refuse (default), or skip and count. */
  readonly onInvalid?: 'refuse' | 'skip';
  /** Whether a different dataset in `outDir` may be overwritten. Default: no. */
  readonly replace?: boolean;
  readonly onProgress?: (progress: BuildProgress) => void;
  readonly signal?: AbortSignal;
  readonly logger?: Logger;
}

/** Raised when a change to this package changes the bytes a source gives. */
const RECIPE_VERSION = 1;
const DEFAULT_VALIDATION_FRACTION = 0.03;
const SPILL_FILE = `tokens${TEMPORARY_ENDING}`;
/** Bounds of a document's length in UTF-16 units; between them 1/256 of the text, for a fair split of small texts. */
const LONGEST_DOCUMENT = 65_536;
const SHORTEST_LIMIT = 4096;

/**
 * Builds the dataset of `source` in `outDir` and returns its manifest.
 * Throws `OPTION_INVALID`, `OUTPUT_OCCUPIED`, the `SOURCE_…`, `TEXT_…` and `JSON_LINE_INVALID` codes,
 * `DOCUMENTS_TOO_FEW`; the signal's reason when aborted. Cost: two readings of the text; memory per document.
 */
export async function buildDataset(options: BuildDatasetOptions): Promise<Manifest> {
  checkOptions(options);
  const { outDir, source, logger = silentLogger, onInvalid = 'refuse', signal } = options;
  report(options, { stage: 'inventory', done: 0, total: 0, documents: 0 });
  const inventory = await takeInventory({ source, onInvalid, logger, signal });
  const recipe = recipeOf(options, inventory);
  const finished = await finishedDataset(options, recipe);
  if (finished !== null) {
    report(options, { stage: 'done', done: 1, total: 1, documents: finished.documents });
    return finished;
  }
  await mkdir(outDir, { recursive: true });
  await clear(outDir);
  const spill = await TokenSpill.create(join(outDir, SPILL_FILE));
  try {
    const manifest = await buildShards({ options, inventory, recipe, spill });
    const text = manifestText(manifest);
    // A dataset that could not be opened is never finished: the reader's checks run before the manifest is written.
    parseManifest(text, MANIFEST_FILE);
    await writeFileAtomically(join(outDir, MANIFEST_FILE), text);
    report(options, { stage: 'done', done: 1, total: 1, documents: manifest.documents });
    return manifest;
  } finally {
    await spill.remove();
  }
}

interface Work {
  readonly options: BuildDatasetOptions;
  readonly inventory: Inventory;
  readonly recipe: HashHex;
  readonly spill: TokenSpill;
}

async function buildShards({ options, inventory, recipe, spill }: Work): Promise<Manifest> {
  const { outDir, tokenizer, seed, logger = silentLogger, onInvalid = 'refuse', signal } = options;
  const validationFraction = options.validationFraction ?? DEFAULT_VALIDATION_FRACTION;
  const tokenized = await tokenizeSource({
    inventory,
    tokenizer,
    spill,
    onInvalid,
    logger,
    signal,
    documentLimit: documentLimit(inventory.bytes),
    onBytes: (done, documents) =>
      report(options, { stage: 'tokenize', done, total: inventory.bytes, documents }),
  });
  const { documents, duplicatesDropped } = tokenized;
  if (documents.length === 0) throw empty(options.source, inventory);
  const plan = planSplits({
    documents,
    seed,
    shardTokens: options.shardTokens,
    validationFraction,
    duplicatesDropped,
  });
  const writer = new ShardWriter(outDir);
  let done = 0;
  const copy = async (part: readonly SpilledDocument[]): Promise<void> => {
    for (const document of part) {
      signal?.throwIfAborted();
      await writer.append(await spill.read(document.from, document.tokens));
      done += document.tokens;
      report(options, { stage: 'write', done, total: spill.length, documents: documents.length });
    }
  };
  await writer.begin('train', plan.shardTokens);
  await copy(plan.train);
  await writer.begin('validation', plan.validationShardTokens);
  await copy(plan.validation);
  await writer.finish();
  return {
    format: MANIFEST_FORMAT,
    name: nameOf(options.source),
    tokenizer: { id: tokenizer.id, vocab: tokenizer.vocab, separator: tokenizer.separator },
    shardTokens: plan.shardTokens,
    validationFraction,
    seed,
    shards: writer.shards,
    sources: tokenized.sources,
    documents: documents.length,
    duplicatesDropped,
    skipped: inventory.skippedFiles + tokenized.skippedLines,
    recipe,
    root: datasetRoot(writer.shards),
  };
}

function report(options: BuildDatasetOptions, progress: BuildProgress): void {
  options.onProgress?.(progress);
}

function checkOptions({ tokenizer, shardTokens, validationFraction, seed }: BuildDatasetOptions): void {
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

/** Hash of all that decides the bytes of the shards. */
function recipeOf(options: BuildDatasetOptions, { files }: Inventory): HashHex {
  const { tokenizer, seed, shardTokens = null, validationFraction = DEFAULT_VALIDATION_FRACTION } = options;
  return hashJson({
    version: RECIPE_VERSION,
    tokenizer: { id: tokenizer.id, vocab: tokenizer.vocab, separator: tokenizer.separator },
    seed,
    shardTokens,
    validationFraction,
    files: files.map(({ path, bytes, sha256, kind }) => ({ path, bytes, sha256, kind })),
    onInvalid: options.onInvalid ?? 'refuse',
  });
}

/** The dataset in `outDir` if it is this one and whole; null if there is none or its shards are damaged. */
async function finishedDataset(
  { outDir, replace }: BuildDatasetOptions,
  recipe: HashHex,
): Promise<Manifest | null> {
  try {
    const manifest = readManifest(outDir);
    if (manifest.recipe === recipe)
      return (await verifyDataset(outDir)).problems.length === 0 ? manifest : null;
  } catch (error) {
    const code = error instanceof DataError ? error.code : undefined;
    if (code === 'MANIFEST_MISSING') return null;
    if (code !== 'MANIFEST_INVALID') throw error;
  }
  if (replace === true) return null;
  throw new DataError(
    { code: 'OUTPUT_OCCUPIED', dir: outDir },
    `${outDir} holds a dataset of other text or settings: choose another folder, or pass replace to overwrite it`,
  );
}

/** Removes what an earlier build left, the manifest first: from then on the folder is no dataset. */
async function clear(outDir: string): Promise<void> {
  await rm(join(outDir, MANIFEST_FILE), { force: true });
  for (const name of await readdir(outDir))
    if (/^(shard-\d{6,}\.bin|manifest\.json|tokens)(\.tmp)?$/.test(name))
      await rm(join(outDir, name), { force: true });
}

function documentLimit(bytes: number): number {
  return Math.min(LONGEST_DOCUMENT, Math.max(SHORTEST_LIMIT, Math.floor(bytes / 256)));
}

function nameOf(source: string): string {
  if (source === BUILTIN) return BUILTIN;
  const name = basename(resolve(source), extname(source));
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is replaced.
  return name.replace(/[/\\:\u0000-\u001f\u007f]/g, '_').slice(0, 80) || 'text';
}

function empty(source: string, { files }: Inventory): DataError {
  return new DataError(
    { code: 'SOURCE_EMPTY', path: source, files: files.length },
    `${source}: none of ${files.length} file(s) holds any text: check that this is the folder you mean`,
  );
}
