/**
 * @file The build for a text of moderate size: documents → tokens → shards → manifest (DATA-1), with all documents shuffled
 * among each other. Deterministic: the same text, options and tokenizer give the same bytes on every machine. The manifest
 * is written last, so a folder with a manifest is complete; a build over an unfinished one starts anew (it takes
 * seconds), and a build over the finished same one has nothing to do.
 */
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { concatBytes, type HashHex, hashJson, silentLogger } from '@alice/protocol';
import { BLOCKS_FILE } from '../blockLayout.js';
import type { SourceInfo } from '../datasetFields.js';
import { datasetRoot } from '../datasetRoot.js';
import { DataError } from '../errors.js';
import { MANIFEST_FILE, MANIFEST_FORMAT, type Manifest, manifestText, parseManifest } from '../manifest.js';
import type { NearDuplicates } from '../near/findNearDuplicates.js';
import { readManifest } from '../readManifest.js';
import { sourceName } from '../sourceName.js';
import { BUILTIN } from '../sources/builtinCorpus.js';
import { DEFAULT_LINE_LIMIT_BYTES } from '../sources/jsonLines.js';
import { type Inventory, takeInventory } from '../sources/takeInventory.js';
import { verifyDataset } from '../verifyDataset.js';
import { TEMPORARY_ENDING, writeFileAtomically } from '../writeFileAtomically.js';
import { type BuildDatasetOptions, type BuildProgress, DEFAULT_VALIDATION_FRACTION } from './buildOptions.js';
import { planSplits, type SpilledDocument, totalTokens } from './planSplits.js';
import { ShardWriter } from './ShardWriter.js';
import { TokenSpill } from './TokenSpill.js';
import { tokenizeSource } from './tokenizeSource.js';
import { withoutCopies, withoutLeaks } from './withoutNearDuplicates.js';

/** Raised when a change to this package changes the bytes a source gives. */
const RECIPE_VERSION = 1;
const SPILL_FILE = `tokens${TEMPORARY_ENDING}`;
/** Bounds of a document's length in UTF-16 units; between them 1/256 of the text, for a fair split of small texts. */
const LONGEST_DOCUMENT = 65_536;
const SHORTEST_LIMIT = 4096;

/**
 * Builds the dataset of `source` in `outDir` and returns its manifest.
 * Throws `OPTION_INVALID`, `OUTPUT_OCCUPIED`, the `SOURCE_…`, `TEXT_…` and `JSON_LINE_INVALID` codes,
 * `DOCUMENTS_TOO_FEW`; the signal's reason when aborted. Cost: two readings of the text; memory per document.
 */
export async function buildWhole(options: BuildDatasetOptions): Promise<Manifest> {
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
  const near = nearDuplicatesOf(options);
  const tokenized = await tokenizeSource({
    inventory,
    tokenizer,
    spill,
    onInvalid,
    logger,
    signal,
    documentLimit: documentLimit(inventory.bytes),
    lineLimitBytes: options.lineLimitBytes ?? DEFAULT_LINE_LIMIT_BYTES,
    isSigned: near !== 'ignore',
    onBytes: (done, documents) =>
      report(options, { stage: 'tokenize', done, total: inventory.bytes, documents }),
  });
  const { duplicatesDropped } = tokenized;
  if (tokenized.documents.length === 0) throw empty(options.source, inventory);
  const scratchDir = join(outDir, `bands${TEMPORARY_ENDING}`);
  const unlike = near === 'drop' ? await withoutCopies(tokenized.documents, scratchDir) : tokenized.documents;
  const { shardTokens } = options;
  const planned = planSplits({ documents: unlike, seed, shardTokens, validationFraction, duplicatesDropped });
  const plan = near === 'keep' ? await withoutLeaks(planned, scratchDir) : planned;
  const documents = [...plan.train, ...plan.validation];
  const total = totalTokens(documents);
  const writer = new ShardWriter(outDir);
  let done = 0;
  const copy = async (part: readonly SpilledDocument[]): Promise<void> => {
    for (const document of part) {
      signal?.throwIfAborted();
      await writer.append(await spill.read(document.from, document.tokens));
      done += document.tokens;
      report(options, { stage: 'write', done, total, documents: documents.length });
    }
  };
  await writer.begin('train', plan.shardTokens);
  await copy(plan.train);
  await writer.begin('validation', plan.validationShardTokens);
  await copy(plan.validation);
  await writer.finish();
  await writeFileAtomically(join(outDir, BLOCKS_FILE), concatBytes(...writer.blocks));
  const sources = [...countedSources(tokenized.sources, documents), ...inventory.leftOut];
  return {
    format: MANIFEST_FORMAT,
    name: sourceName(options.source),
    tokenizer: { id: tokenizer.id, vocab: tokenizer.vocab, separator: tokenizer.separator },
    shardTokens: plan.shardTokens,
    validationFraction,
    seed,
    shards: writer.shards,
    sources,
    documents: documents.length,
    duplicatesDropped,
    ...(near === 'ignore'
      ? {}
      : { nearDuplicates: { mode: near, dropped: tokenized.documents.length - documents.length } }),
    skipped: sources.reduce((sum, { faultCount = 0 }) => sum + faultCount, 0),
    recipe,
    root: datasetRoot(writer.shards),
  };
}

function report(options: BuildDatasetOptions, progress: BuildProgress): void {
  options.onProgress?.(progress);
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
    // Without a look at near-duplicates the shards are those that earlier versions made.
    ...(nearDuplicatesOf(options) === 'ignore' ? {} : { nearDuplicates: nearDuplicatesOf(options) }),
  });
}

function nearDuplicatesOf({ nearDuplicates, source }: BuildDatasetOptions): NearDuplicates {
  return nearDuplicates ?? (source === BUILTIN ? 'ignore' : 'keep');
}

function countedSources(sources: readonly SourceInfo[], documents: readonly SpilledDocument[]): SourceInfo[] {
  const counts = new Uint32Array(sources.length);
  for (const { source } of documents) counts[source]!++;
  return sources.map((source, i) => ({ ...source, documents: counts[i]! }));
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
    `${outDir} holds a dataset of other text or settings: choose another folder, or overwrite it with --replace`,
  );
}

/** Removes what an earlier build left, the manifest first: from then on the folder is no dataset. */
async function clear(outDir: string): Promise<void> {
  await rm(join(outDir, MANIFEST_FILE), { force: true });
  for (const name of await readdir(outDir))
    if (/^(shard-\d{6,}\.bin|manifest\.json|blocks\.bin|tokens|bands)(\.tmp)?$|^\.build$/.test(name))
      await rm(join(outDir, name), { recursive: true, force: true });
}

function documentLimit(bytes: number): number {
  return Math.min(LONGEST_DOCUMENT, Math.max(SHORTEST_LIMIT, Math.floor(bytes / 256)));
}

function empty(source: string, { files }: Inventory): DataError {
  return new DataError(
    { code: 'SOURCE_EMPTY', path: source, files: files.length },
    `${source}: none of ${files.length} file(s) holds any text: check that this is the folder you mean`,
  );
}
