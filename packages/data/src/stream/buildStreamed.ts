/**
 * @file The build for any amount of text: files → parts (the checkpoint) → choice of documents → shards → manifest. Memory
 * is bounded: nothing is kept per document but two bits. The shards are a pure function of the files' content and the
 * settings, whatever the number of threads and however often the build was interrupted (DATA-1). Documents keep the order
 * of their file, files are shuffled by seed, so a shard's text is a few runs of source files that anyone can compare.
 */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type HashHex, hashJson, type Logger, seededRandom, silentLogger } from '@alice/protocol';
import type { SourceInfo } from '../datasetFields.js';
import { datasetRoot } from '../datasetRoot.js';
import { DataError } from '../errors.js';
import {
  MANIFEST_FILE,
  MANIFEST_FORMAT,
  type Manifest,
  manifestText,
  parseManifest,
  SPLITS,
} from '../manifest.js';
import { findNearDuplicates } from '../near/findNearDuplicates.js';
import { readManifest } from '../readManifest.js';
import { shardFileName } from '../shardBytes.js';
import type { ShardTokenizer } from '../shardTokenizer.js';
import { sourceName } from '../sourceName.js';
import type { ListedSource } from '../sources/ListedFile.js';
import { writeFileAtomically } from '../writeFileAtomically.js';
import { assembleShards } from './assembleShards.js';
import { type Bits, findDuplicates } from './findDuplicates.js';
import { finishedBuild } from './finishedBuild.js';
import { Parts } from './makeParts.js';
import { type PartSummary, partFiles } from './PartFiles.js';
import { PartSignatures } from './PartSignatures.js';
import { withMakers } from './partWorkers.js';
import { planShards } from './planShards.js';
import { type Selection, selectDocuments } from './selectDocuments.js';
import { partKeyOf, type StreamSettings } from './settings.js';
import { sourceInfoOf } from './sourceInfoOf.js';
import type { PartProgress } from './tokenizePart.js';
import type { TokenizerModule } from './tokenizerModule.js';
import { closeWorkFolder, openWorkFolder, wasBuiltFrom } from './WorkFolder.js';

export interface StreamProgress {
  readonly stage: 'tokenize' | 'duplicates' | 'write' | 'done';
  /** Stored bytes in `tokenize` (the total is an estimate when tokens are limited), tokens in `write`. */
  readonly done: number;
  readonly total: number;
  readonly documents: number;
  /** Bytes of text and tokens made so far, by this and by interrupted builds. */
  readonly textBytes: number;
  readonly tokens: number;
}

export interface BuildStreamedOptions {
  readonly source: string;
  readonly listed: ListedSource;
  readonly outDir: string;
  readonly settings: StreamSettings;
  readonly tokenizer: ShardTokenizer;
  /** Where worker threads find the tokenizer; without it the text is tokenised on this thread. */
  readonly tokenizerModule?: TokenizerModule | undefined;
  readonly workers?: number | undefined;
  /** Whether the shards asked for must all be filled. */
  readonly requireFull: boolean;
  readonly replace: boolean;
  readonly onProgress?: ((progress: StreamProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly logger?: Logger | undefined;
}

/** Throws the source, text and output codes of this package; the signal's reason when aborted. */
export async function buildStreamed(options: BuildStreamedOptions): Promise<Manifest> {
  const { outDir, settings, logger = silentLogger } = options;
  const listed = { ...options.listed, files: shuffled(options.listed.files, settings.seed) };
  const partKey = partKeyOf(settings);
  const finished = finishedBuild({
    ...options,
    read: readManifest,
    nameOf: ({ id }) => shardFileName(id),
    isSame: ({ recipe, sources }) =>
      wasBuiltFrom(outDir, partKey, listed.files) &&
      recipe ===
        recipeOf(
          settings,
          sources.map((file) => ({ ...file, path: decodeURIComponent(file.path) })),
        ),
  });
  if (finished !== null) return finished;
  const { onInvalid } = settings;
  const workDir = await openWorkFolder({ ...options, listed, partKey, onInvalid, logger });
  const progress = new ProgressCounter(options);
  const { files } = listed;
  return withMakers(
    {
      ...options,
      workDir,
      job: { content: 'text', settings },
      files: files.length,
      onProgress: (added) => progress.add(added),
    },
    async ({ makers, close }) => {
      const onFound = (part: PartSummary): void => progress.addFound(part);
      const parts = new Parts({
        workDir,
        makers,
        files,
        mostTokens: settings.mostTokens,
        onInvalid,
        onFound,
      });
      const selection = await chooseDocuments(parts, { workDir, options, progress, close });
      await close();
      const manifest = await writeShards(options, { workDir, parts, selection, progress });
      progress.report('done', 1, 1);
      return manifest;
    },
  );
}

interface ChooseContext {
  readonly workDir: string;
  readonly options: BuildStreamedOptions;
  readonly progress: ProgressCounter;
  /** Ends the threads. */
  readonly close: () => Promise<void>;
}

/** Makes parts until the chosen documents fill what is asked for, or the source ends. */
async function chooseDocuments(
  parts: Parts,
  { workDir, options, progress, close }: ChooseContext,
): Promise<Selection> {
  const { settings, signal } = options;
  for (let more = 1; ; more = Math.ceil(parts.summaries.length / 20)) {
    await parts.make(more);
    // Nothing is tokenised any more: the memory of the threads is better free.
    if (parts.isComplete) await close();
    progress.report('duplicates', 0, 1);
    const names = parts.summaries.map((summary) => partFiles(workDir, summary));
    const documents = parts.summaries.reduce((sum, part) => sum + part.documents, 0);
    if (documents === 0 && parts.isComplete) throw empty(options);
    const duplicates = await findDuplicates({
      parts: names,
      documents,
      scratchDir: join(workDir, 'buckets'),
      signal,
    });
    const nearDuplicates =
      settings.nearDuplicates === 'ignore'
        ? null
        : await nearDuplicatesOf({
            workDir,
            parts: parts.summaries,
            leftOut: duplicates,
            mode: settings.nearDuplicates,
            signal,
          });
    const selection = await selectDocuments({
      parts: names,
      documents,
      duplicates,
      nearDuplicates,
      mostTokens: settings.mostTokens,
    });
    if (selection.isFull) return selection;
    if (parts.isComplete) {
      if (options.requireFull) throw tooSmall(selection, settings);
      return selection;
    }
  }
}

interface NearContext {
  readonly workDir: string;
  readonly parts: readonly PartSummary[];
  readonly leftOut: Bits;
  readonly mode: 'keep' | 'drop';
  readonly signal: AbortSignal | undefined;
}

async function nearDuplicatesOf({ workDir, parts, ...context }: NearContext): Promise<Bits> {
  const documents = new PartSignatures(
    parts.map((summary) => ({ name: partFiles(workDir, summary), documents: summary.documents })),
  );
  try {
    return (await findNearDuplicates({ ...context, documents, scratchDir: join(workDir, 'bands') })).near;
  } finally {
    await documents.close();
  }
}

interface WriteContext {
  readonly workDir: string;
  readonly parts: Parts;
  readonly selection: Selection;
  readonly progress: ProgressCounter;
}

async function writeShards(options: BuildStreamedOptions, context: WriteContext): Promise<Manifest> {
  const { outDir, settings, tokenizer, listed, signal } = options;
  const { workDir, selection, progress } = context;
  const used = context.parts.summaries.slice(0, selection.documentsOfPart.length);
  const documents = selection.documentsOfPart.reduce((sum, count) => sum + count, 0);
  const plan = planShards(selection.tokens, { shardTokens: settings.shardTokens, documents });
  const recipe = recipeOf(settings, used);
  const total = SPLITS.reduce((sum, split) => sum + selection.tokens[split], 0);
  await clear(
    outDir,
    plan.splits.reduce((sum, { count }) => sum + count, 0),
  );
  const shards = await assembleShards({
    outDir,
    workDir,
    recipe,
    selection,
    plan,
    signal,
    parts: used.map((summary) => partFiles(workDir, summary)),
    onTokens: (done) => progress.report('write', done, total),
  });
  const manifest: Manifest = {
    format: MANIFEST_FORMAT,
    name: sourceName(options.source),
    tokenizer: { id: tokenizer.id, vocab: tokenizer.vocab, separator: tokenizer.separator },
    shardTokens: plan.shardTokens,
    validationFraction: settings.validationFraction,
    seed: settings.seed,
    reading: {
      source: listed.pinned,
      textField: settings.textField,
      documentLimit: settings.documentLimit,
      lineLimitBytes: settings.lineLimitBytes,
      auditFraction: settings.auditFraction,
    },
    shards,
    sources: used.map((part, i) => sourceInfoOf(part, selection.documentsOfPart[i]!)),
    documents,
    duplicatesDropped: selection.duplicatesDropped,
    ...(settings.nearDuplicates === 'ignore'
      ? {}
      : { nearDuplicates: { mode: settings.nearDuplicates, dropped: selection.nearDuplicatesDropped } }),
    skipped: used.reduce((sum, { faultCount }) => sum + faultCount, 0),
    recipe,
    root: datasetRoot(shards),
  };
  const text = manifestText(manifest);
  parseManifest(text, MANIFEST_FILE);
  await writeFileAtomically(join(outDir, MANIFEST_FILE), text);
  await closeWorkFolder(workDir);
  return manifest;
}

/** What decides the bytes: the settings, and the content of the files in the order of their use. */
function recipeOf(
  settings: StreamSettings,
  used: readonly Pick<SourceInfo, 'path' | 'bytes' | 'sha256'>[],
): HashHex {
  // Without a look at near-duplicates the shards are those of version 1, which did not know the setting.
  const { nearDuplicates, ...others } = settings;
  return hashJson({
    version: 1,
    settings: nearDuplicates === 'ignore' ? others : { ...settings },
    files: used.map(({ path, bytes, sha256 }) => ({ path, bytes, sha256 })),
  });
}

/** Files in the order of their names, then Fisher–Yates by seed. */
function shuffled<T extends { readonly path: string }>(files: readonly T[], seed: string): T[] {
  const order = [...files];
  const random = seededRandom(`${seed}|files`);
  for (let i = order.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}

/** Removes shards beyond the new ones, and what an interrupted write left. */
async function clear(outDir: string, shards: number): Promise<void> {
  for (const name of await readdir(outDir)) {
    const [, id] = /^shard-(\d{6,})\.bin$/.exec(name) ?? [];
    const isOld =
      (id !== undefined && Number(id) >= shards) || /^(shard-\d{6,}\.bin|manifest\.json)\.tmp$/.test(name);
    if (isOld) await rm(join(outDir, name), { force: true });
  }
}

/** Sums what threads report. */
class ProgressCounter {
  readonly #options: BuildStreamedOptions;
  readonly #sum = { bytes: 0, textBytes: 0, tokens: 0, documents: 0 };
  readonly #listedBytes: number;

  constructor(options: BuildStreamedOptions) {
    this.#options = options;
    this.#listedBytes = options.listed.files.reduce((sum, { bytes }) => sum + Math.max(0, bytes), 0);
  }

  add(added: PartProgress): void {
    for (const key of ['bytes', 'textBytes', 'tokens', 'documents'] as const) this.#sum[key] += added[key];
    this.report('tokenize', this.#sum.bytes, Math.max(this.#sum.bytes, this.#expectedBytes()));
  }

  /** A part of an interrupted build. */
  addFound({ bytes, tokens, documents }: PartSummary): void {
    this.add({
      bytes,
      textBytes: 0,
      documents,
      tokens: SPLITS.reduce((sum, split) => sum + tokens[split], 0),
    });
  }

  report(stage: StreamProgress['stage'], done: number, total: number): void {
    const { textBytes, tokens, documents } = this.#sum;
    this.#options.onProgress?.({ stage, done, total, documents, textBytes, tokens });
  }

  #expectedBytes(): number {
    const { mostTokens } = this.#options.settings;
    if (mostTokens === null || this.#sum.tokens === 0) return this.#listedBytes;
    const wanted = SPLITS.reduce((sum, split) => sum + mostTokens[split], 0);
    return Math.min(
      this.#listedBytes || Number.POSITIVE_INFINITY,
      (this.#sum.bytes * wanted) / this.#sum.tokens,
    );
  }
}

function empty({ source, listed }: BuildStreamedOptions): DataError {
  return new DataError(
    { code: 'SOURCE_EMPTY', path: source, files: listed.files.length },
    `${source}: none of ${listed.files.length} file(s) holds any text: check that this is the place you mean`,
  );
}

function tooSmall({ tokens }: Selection, { mostTokens }: StreamSettings): DataError {
  const split = SPLITS.find((name) => tokens[name] < mostTokens![name])!;
  return new DataError(
    { code: 'SOURCE_TOO_SMALL', split, tokens: tokens[split], neededTokens: mostTokens![split] },
    `the source ends with ${tokens[split]} tokens for ${split}, and ${mostTokens![split]} are asked for: ask for fewer ` +
      'shards (what is tokenised is kept), or add files',
  );
}
