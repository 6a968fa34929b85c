/**
 * @file Builds a conversation dataset: files → parts (the checkpoint) → records without repetition → shards → manifest. A
 * pure function of the files' content, their names and the settings, whatever the number of threads and however often it
 * was interrupted. Records keep the order of their files; a record's split follows from its first question and the seed,
 * so no question is both learned and examined.
 */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type HashHex, hashJson, type Logger, silentLogger } from '@alice/protocol';
import { inOutput } from '../build/inOutput.js';
import type { SourceInfo } from '../datasetFields.js';
import { DataError, requireInteger } from '../errors.js';
import { MANIFEST_FILE } from '../manifest.js';
import type { ShardTokenizer } from '../shardTokenizer.js';
import { sourceName } from '../sourceName.js';
import { DEFAULT_LINE_LIMIT_BYTES } from '../sources/jsonLines.js';
import type { ListedFile, ListedSource } from '../sources/ListedFile.js';
import { listSource } from '../sources/listSource.js';
import { findDuplicates } from '../stream/findDuplicates.js';
import { finishedBuild } from '../stream/finishedBuild.js';
import { KeptDocuments } from '../stream/KeptDocuments.js';
import { Parts } from '../stream/makeParts.js';
import { type PartSummary, partFiles } from '../stream/PartFiles.js';
import { withMakers } from '../stream/partWorkers.js';
import { type Selection, selectDocuments } from '../stream/selectDocuments.js';
import { sourceInfoOf } from '../stream/sourceInfoOf.js';
import type { PartProgress } from '../stream/tokenizePart.js';
import type { TokenizerModule } from '../stream/tokenizerModule.js';
import { closeWorkFolder, openWorkFolder, wasBuiltFrom } from '../stream/WorkFolder.js';
import { writeFileAtomically } from '../writeFileAtomically.js';
import { ConversationWriter } from './ConversationWriter.js';
import { CHAT_TEMPLATE } from './chatTemplate.js';
import {
  CONVERSATIONS_FORMAT,
  type ConversationManifest,
  type ConversationShardInfo,
  conversationRoot,
  conversationShardName,
  parseConversationManifest,
} from './conversationManifest.js';
import type { ConversationSettings } from './conversationSettings.js';
import type { ConversationKind } from './conversationShard.js';
import { readConversationManifest } from './openConversations.js';
import { unpackRecord } from './packRecord.js';

export interface BuildConversationsOptions {
  readonly kind: ConversationKind;
  /** Files or folders of .jsonl (also .gz, .zst) and .parquet, web folders, or a hub data set. */
  readonly source: string;
  readonly outDir: string;
  readonly tokenizer: ShardTokenizer;
  /** Where worker threads find the tokenizer. Without it, one thread does everything. */
  readonly tokenizerModule?: TokenizerModule;
  /** Threads. Default: one a core. They never change the result. */
  readonly workers?: number;
  readonly seed: string;
  /** Tokens after which a shard ends. Default 1,000,000. */
  readonly shardTokens?: number;
  /** Part of the questions kept for validation, in (0, 0.5). Default 0.03. */
  readonly validationFraction?: number;
  readonly onInvalid?: 'refuse' | 'skip';
  readonly lineLimitBytes?: number;
  readonly replace?: boolean;
  readonly onProgress?: (progress: ConversationProgress) => void;
  readonly signal?: AbortSignal;
  readonly logger?: Logger;
}

export interface ConversationProgress {
  /** Stored bytes. */
  readonly done: number;
  readonly total: number;
  readonly records: number;
}

const DEFAULT_SHARD_TOKENS = 1_000_000;
const DEFAULT_FRACTION = 0.03;
const RECIPE_VERSION = 1;

/**
 * Builds the conversations of `source` in `outDir`; nothing is done when they are there already, and an interrupted build
 * goes on. Throws `OPTION_INVALID`, the `OUTPUT_…` codes, `JSON_LINE_INVALID` and the `SOURCE_…` codes; the signal's reason
 * when aborted.
 */
export async function buildConversations(options: BuildConversationsOptions): Promise<ConversationManifest> {
  const settings = settingsOf(options);
  const listed = await listConversations(options);
  return inOutput(options.outDir, () => buildListed(options, settings, listed));
}

async function buildListed(
  options: BuildConversationsOptions,
  settings: ConversationSettings,
  listed: ListedSource,
): Promise<ConversationManifest> {
  const { outDir, replace = false, logger = silentLogger } = options;
  const { onInvalid } = settings;
  const partKey = partKeyOf(settings);
  const finished = finishedBuild({
    outDir,
    replace,
    read: readConversationManifest,
    nameOf: conversationShardName,
    isSame: ({ recipe, sources }) =>
      wasBuiltFrom(outDir, partKey, listed.files) && recipe === recipeOf(settings, sources),
  });
  if (finished !== null) return finished;
  const workDir = await openWorkFolder({ ...options, listed, partKey, onInvalid, replace, logger });
  const parts = await makeParts(options, { settings, listed, workDir });
  const manifest = await writeDataset(options, { settings, parts, workDir });
  await closeWorkFolder(workDir);
  return manifest;
}

async function listConversations({ source, signal }: BuildConversationsOptions): Promise<ListedSource> {
  const { pinned, files } = await listSource(source, { signal });
  const listed = { pinned, files: files.filter(({ format }) => format !== 'text') };
  if (listed.files.length === 0) throw empty(source, files.length);
  return listed;
}

function settingsOf(options: BuildConversationsOptions): ConversationSettings {
  const { tokenizer, shardTokens = DEFAULT_SHARD_TOKENS, validationFraction = DEFAULT_FRACTION } = options;
  requireInteger('shardTokens', shardTokens, 64, 2 ** 27);
  if (!(validationFraction > 0 && validationFraction < 0.5))
    throw new DataError(
      {
        code: 'OPTION_INVALID',
        option: 'validationFraction',
        value: validationFraction,
        bounds: 'between 0 and 0.5',
      },
      `validationFraction must be between 0 and 0.5, not ${validationFraction}`,
    );
  return {
    kind: options.kind,
    tokenizer: { id: tokenizer.id, vocab: tokenizer.vocab, separator: tokenizer.separator },
    template: CHAT_TEMPLATE,
    seed: options.seed,
    shardTokens,
    validationFraction,
    lineLimitBytes: options.lineLimitBytes ?? DEFAULT_LINE_LIMIT_BYTES,
    onInvalid: options.onInvalid ?? 'refuse',
  };
}

/** Hash of what the parts depend on: the length of shards may change without making them anew; a part without faults is the same either way. */
function partKeyOf({ shardTokens: _, ...settings }: ConversationSettings): HashHex {
  return hashJson({ ...settings, onInvalid: 'refuse', version: RECIPE_VERSION });
}

interface MakingContext {
  readonly settings: ConversationSettings;
  readonly listed: ListedSource;
  readonly workDir: string;
}

async function makeParts(
  options: BuildConversationsOptions,
  { settings, listed, workDir }: MakingContext,
): Promise<readonly PartSummary[]> {
  const { files } = listed;
  const onProgress = progressOf(options, files);
  const job = { content: 'conversations', settings } as const;
  return withMakers({ ...options, job, workDir, files: files.length, onProgress }, async ({ makers }) => {
    const parts = new Parts({
      workDir,
      makers,
      files,
      mostTokens: null,
      onInvalid: settings.onInvalid,
      onFound: onProgress,
    });
    await parts.make(files.length);
    return parts.summaries;
  });
}

/** Sums what threads report. */
function progressOf(
  { onProgress }: BuildConversationsOptions,
  files: readonly ListedFile[],
): (added: Pick<PartProgress, 'bytes' | 'documents'>) => void {
  const listed = files.reduce((sum, { bytes }) => sum + Math.max(0, bytes), 0);
  let [done, records] = [0, 0];
  return ({ bytes, documents }) => {
    done += bytes;
    records += documents;
    onProgress?.({ done, total: Math.max(listed, done), records });
  };
}

interface WritingContext {
  readonly settings: ConversationSettings;
  readonly parts: readonly PartSummary[];
  readonly workDir: string;
}

async function writeDataset(
  options: BuildConversationsOptions,
  context: WritingContext,
): Promise<ConversationManifest> {
  const { source, outDir, signal } = options;
  const { settings, parts, workDir } = context;
  const names = parts.map((part) => partFiles(workDir, part));
  const documents = parts.reduce((sum, part) => sum + part.documents, 0);
  const scratchDir = join(workDir, 'buckets');
  const duplicates = await findDuplicates({ parts: names, documents, scratchDir, signal });
  const everything = { nearDuplicates: null, mostTokens: null };
  const selection = await selectDocuments({ parts: names, documents, duplicates, ...everything });
  await clear(outDir);
  const shards = await writeShards(options, context, selection);
  if (!shards.some(({ split }) => split === 'train')) throw empty(source, parts.length);
  const { kind, tokenizer, template, shardTokens, validationFraction, seed } = settings;
  const sources = parts.map((part, i) => sourceInfoOf(part, selection.documentsOfPart[i]!));
  const manifest: ConversationManifest = {
    format: CONVERSATIONS_FORMAT,
    kind,
    name: sourceName(source),
    template,
    tokenizer,
    shardTokens,
    validationFraction,
    seed,
    shards,
    sources,
    records: selection.kept.count,
    duplicatesDropped: selection.duplicatesDropped,
    skipped: parts.reduce((sum, { faultCount }) => sum + faultCount, 0),
    recipe: recipeOf(settings, sources),
    root: conversationRoot({ kind, shards }),
  };
  const text = `${JSON.stringify(manifest, null, 1)}\n`;
  parseConversationManifest(text, MANIFEST_FILE);
  await writeFileAtomically(join(outDir, MANIFEST_FILE), text);
  return manifest;
}

async function writeShards(
  { outDir, signal }: BuildConversationsOptions,
  { settings, parts, workDir }: WritingContext,
  { kept }: Selection,
): Promise<readonly ConversationShardInfo[]> {
  const { kind, shardTokens } = settings;
  const train = new ConversationWriter({ outDir, kind, shardTokens, split: 'train' });
  const validation = new ConversationWriter({ outDir, kind, shardTokens, split: 'validation' });
  const records = new KeptDocuments(kept);
  for (const part of parts)
    for await (const { split, tokens, read } of records.of(partFiles(workDir, part))) {
      signal?.throwIfAborted();
      await (split === 'train' ? train : validation).append(unpackRecord(await read(0, tokens)));
    }
  await train.finish();
  await validation.finish();
  return [...train.shards, ...validation.shards];
}

function recipeOf(
  settings: ConversationSettings,
  sources: readonly Pick<SourceInfo, 'path' | 'bytes' | 'sha256'>[],
): HashHex {
  return hashJson({
    version: RECIPE_VERSION,
    settings: { ...settings },
    files: sources.map(({ path, bytes, sha256 }) => ({ path, bytes, sha256 })),
  });
}

/** Removes what an earlier build left beside the parts. */
async function clear(outDir: string): Promise<void> {
  for (const name of await readdir(outDir))
    if (/^((train|validation|shard)-\d{6,}\.bin|manifest\.json|blocks\.bin)(\.tmp)?$/.test(name))
      await rm(join(outDir, name), { force: true });
}

function empty(source: string, files: number): DataError {
  return new DataError(
    { code: 'SOURCE_EMPTY', path: source, files },
    `${source}: none of ${files} file(s) holds a conversation: .jsonl (also .gz, .zst) and .parquet files are read`,
  );
}
