/**
 * @file Builds a conversation dataset: files → records → tokens with a loss mask (or preference pairs) → shards → manifest.
 * A pure function of the files' content, their names and the settings. Records keep the order of their files; a record's
 * split follows from its first question and the seed, so no question is both learned and examined. One thread, memory of a
 * shard and 8 to 16 bytes a record; an interrupted build begins anew, since such data are small.
 */
import { createHash } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { hashJson, type Logger, silentLogger } from '@alice/protocol';
import { DataError, requireInteger } from '../errors.js';
import type { SourceInfo } from '../manifest.js';
import type { ShardTokenizer } from '../shardTokenizer.js';
import { sourceName } from '../sourceName.js';
import type { ListedFile } from '../sources/ListedFile.js';
import { listSource } from '../sources/listSource.js';
import { ReadAccount, storedBytes } from '../sources/openBytes.js';
import { hubAccess } from '../sources/remote/listHub.js';
import { downloadPart } from '../stream/downloadPart.js';
import { FaultList } from '../stream/FaultList.js';
import { partFiles } from '../stream/PartFiles.js';
import { writeFileAtomically } from '../writeFileAtomically.js';
import { ConversationWriter } from './ConversationWriter.js';
import { CHAT_TEMPLATE } from './chatTemplate.js';
import {
  CONVERSATIONS_FORMAT,
  type ConversationManifest,
  conversationRoot,
  parseConversationManifest,
} from './conversationManifest.js';
import { type ConversationKind, type ConversationRecord, partsOf } from './conversationShard.js';
import { FingerprintSet } from './FingerprintSet.js';
import { readConversationManifest } from './openConversations.js';
import { streamConversations } from './streamConversations.js';

export interface BuildConversationsOptions {
  readonly kind: ConversationKind;
  /** Files or folders of .jsonl (also .gz, .zst) and .parquet, web folders, or a hub data set. */
  readonly source: string;
  readonly outDir: string;
  readonly tokenizer: ShardTokenizer;
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
const LINE_LIMIT_BYTES = 64 * 2 ** 20;
const RECIPE_VERSION = 1;

/**
 * Builds the conversations of `source` in `outDir`; nothing is done when they are there already. Throws `OPTION_INVALID`,
 * `OUTPUT_OCCUPIED`, `JSON_LINE_INVALID` and the `SOURCE_…` codes; the signal's reason when aborted.
 */
export async function buildConversations(options: BuildConversationsOptions): Promise<ConversationManifest> {
  const settings = settingsOf(options);
  const { outDir, signal } = options;
  const listed = await listSource(options.source, { signal });
  const files = listed.files.filter(({ format }) => format !== 'text');
  if (files.length === 0) throw empty(options.source, listed.files.length);
  const finished = await finishedDataset(options, settings, files);
  if (finished !== null) return finished;
  await mkdir(outDir, { recursive: true });
  await clear(outDir);
  const build = new Build(options, settings, files);
  for (const file of files) await build.read(file);
  const manifest = await build.finish();
  const text = `${JSON.stringify(manifest, null, 1)}\n`;
  parseConversationManifest(text, 'manifest.json');
  await writeFileAtomically(join(outDir, 'manifest.json'), text);
  return manifest;
}

interface Settings {
  readonly kind: ConversationKind;
  readonly tokenizer: { readonly id: string; readonly vocab: number; readonly separator: number };
  readonly template: typeof CHAT_TEMPLATE;
  readonly seed: string;
  readonly shardTokens: number;
  readonly validationFraction: number;
  readonly lineLimitBytes: number;
  readonly onInvalid: 'refuse' | 'skip';
}

function settingsOf(options: BuildConversationsOptions): Settings {
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
    lineLimitBytes: options.lineLimitBytes ?? LINE_LIMIT_BYTES,
    onInvalid: options.onInvalid ?? 'refuse',
  };
}

/** One build under way. */
class Build {
  readonly #options: BuildConversationsOptions;
  readonly #settings: Settings;
  readonly #total: number;
  readonly #writers: Readonly<Record<'train' | 'validation', ConversationWriter>>;
  readonly #seen = new FingerprintSet();
  readonly #sources: SourceInfo[] = [];
  #done = 0;
  #records = 0;
  #duplicates = 0;

  constructor(options: BuildConversationsOptions, settings: Settings, files: readonly ListedFile[]) {
    this.#options = options;
    this.#settings = settings;
    this.#total = files.reduce((sum, { bytes }) => sum + Math.max(0, bytes), 0);
    const writer = (split: 'train' | 'validation'): ConversationWriter =>
      new ConversationWriter({ ...settings, outDir: options.outDir, split });
    this.#writers = { train: writer('train'), validation: writer('validation') };
  }

  async read(file: ListedFile): Promise<void> {
    const { signal, logger = silentLogger } = this.#options;
    const access = { ...hubAccess(), signal };
    const faults = new FaultList(this.#settings.onInvalid);
    const account = new ReadAccount((bytes) => this.#advance(bytes));
    const isCopied = file.format === 'parquet' && file.location.at === 'web';
    const name = partFiles(this.#options.outDir, file);
    const localCopy = isCopied ? await downloadPart(file, name, access) : undefined;
    const before = this.#records;
    const batches = streamConversations(file, {
      ...this.#settings,
      tokenizer: this.#options.tokenizer,
      access,
      account,
      onFault: (fault) => {
        faults.add(fault);
        logger.warn('Left out', { ...fault.info });
      },
      ...(localCopy === undefined ? {} : { localCopy }),
    });
    for await (const batch of batches)
      for (const read of batch) {
        signal?.throwIfAborted();
        await this.#take(read);
      }
    // Parquet is read by place, and a break ends the reading: the hash is that of the whole file all the same.
    const read = await contentOf(file, {
      account,
      isWhole: file.format !== 'parquet' && !faults.hasBreak,
      localCopy,
      access,
    });
    checkUnchanged(file, read);
    if (localCopy !== undefined) await rm(localCopy, { force: true });
    this.#sources.push({
      path: safeName(file.path),
      ...read,
      documents: this.#records - before,
      ...(faults.count === 0 ? {} : { faultCount: faults.count, faults: faults.listed }),
    });
  }

  async finish(): Promise<ConversationManifest> {
    const { train, validation } = this.#writers;
    await train.finish();
    await validation.finish();
    if (train.shards.length === 0) throw empty(this.#options.source, this.#sources.length);
    const { kind, tokenizer, shardTokens, validationFraction, seed } = this.#settings;
    const shards = [...train.shards, ...validation.shards];
    return {
      format: CONVERSATIONS_FORMAT,
      kind,
      name: sourceName(this.#options.source),
      template: CHAT_TEMPLATE,
      tokenizer,
      shardTokens,
      validationFraction,
      seed,
      shards,
      sources: this.#sources,
      records: this.#records,
      duplicatesDropped: this.#duplicates,
      skipped: this.#sources.reduce((sum, { faultCount = 0 }) => sum + faultCount, 0),
      recipe: recipeOf(this.#settings, this.#sources),
      root: conversationRoot({ kind, shards }),
    };
  }

  async #take({ record, question }: { record: ConversationRecord; question: Buffer }): Promise<void> {
    if (!this.#seen.add(fingerprintOf(record))) {
      this.#duplicates++;
      return;
    }
    this.#records++;
    const place =
      createHash('sha256')
        .update(`${this.#settings.seed}|split|`)
        .update(question)
        .digest()
        .readUIntBE(0, 6) /
      2 ** 48;
    await this.#writers[place < this.#settings.validationFraction ? 'validation' : 'train'].append(record);
  }

  #advance(bytes: number): void {
    this.#done += bytes;
    const total = Math.max(this.#total, this.#done);
    this.#options.onProgress?.({ done: this.#done, total, records: this.#records });
  }
}

function fingerprintOf(record: ConversationRecord): bigint {
  const hash = createHash('sha256');
  for (const part of partsOf(record)) hash.update(`${part.length}|`).update(part);
  return hash.digest().readBigUInt64LE(0);
}

interface ContentOptions {
  readonly account: ReadAccount;
  readonly isWhole: boolean;
  readonly localCopy: string | undefined;
  readonly access: Parameters<typeof storedBytes>[1];
}

async function contentOf(
  file: ListedFile,
  { account, isWhole, localCopy, access }: ContentOptions,
): Promise<Pick<SourceInfo, 'bytes' | 'sha256'>> {
  if (isWhole) return { bytes: account.bytes, sha256: account.sha256() };
  const whole = new ReadAccount();
  const place: ListedFile =
    localCopy === undefined ? file : { ...file, location: { at: 'disk', address: localCopy } };
  for await (const chunk of storedBytes(place, access)) whole.add(chunk);
  return { bytes: whole.bytes, sha256: whole.sha256() };
}

function checkUnchanged(file: ListedFile, read: Pick<SourceInfo, 'bytes' | 'sha256'>): void {
  const isOther =
    (file.bytes >= 0 && file.bytes !== read.bytes) || (file.sha256 !== null && file.sha256 !== read.sha256);
  if (!isOther) return;
  throw new DataError(
    { code: 'SOURCE_CHANGED', path: file.path },
    `${file.path} is not what was listed: it changed, or it arrived damaged. Run the same command again`,
  );
}

function recipeOf(
  settings: Settings,
  sources: readonly Pick<SourceInfo, 'path' | 'bytes' | 'sha256'>[],
): `0x${string}` {
  return hashJson({
    version: RECIPE_VERSION,
    settings: { ...settings },
    files: sources.map(({ path, bytes, sha256 }) => ({ path, bytes, sha256 })),
  });
}

/** The dataset in the folder when it is of these files and settings. Throws `OUTPUT_OCCUPIED`. */
async function finishedDataset(
  { outDir, replace, signal }: BuildConversationsOptions,
  settings: Settings,
  files: readonly ListedFile[],
): Promise<ConversationManifest | null> {
  let manifest: ConversationManifest | null = null;
  try {
    manifest = readConversationManifest(outDir);
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    if (error.code === 'MANIFEST_MISSING') return null;
  }
  if (manifest !== null) {
    const sources: Pick<SourceInfo, 'path' | 'bytes' | 'sha256'>[] = [];
    for (const file of files) {
      const account = new ReadAccount();
      for await (const chunk of storedBytes(file, { ...hubAccess(), signal })) account.add(chunk);
      sources.push({ path: safeName(file.path), bytes: account.bytes, sha256: account.sha256() });
    }
    if (manifest.recipe === recipeOf(settings, sources)) return manifest;
  }
  if (replace === true) return null;
  throw new DataError(
    { code: 'OUTPUT_OCCUPIED', dir: outDir },
    `${outDir} holds a dataset of other text or settings: choose another folder, or pass replace to overwrite it`,
  );
}

/** Removes what an earlier build left, the manifest first: from then on the folder is no dataset. */
async function clear(outDir: string): Promise<void> {
  await rm(join(outDir, 'manifest.json'), { force: true });
  for (const name of await readdir(outDir))
    if (/^((train|validation|shard)-\d{6,}\.bin|manifest\.json|blocks\.bin)(\.tmp)?$|^\.build$/.test(name))
      await rm(join(outDir, name), { recursive: true, force: true });
}

function safeName(path: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is replaced.
  return path.replace(/[\\%\u0000-\u001f\u007f]|(?<=^[A-Za-z]|\/[A-Za-z]):/g, encodeURIComponent);
}

function empty(source: string, files: number): DataError {
  return new DataError(
    { code: 'SOURCE_EMPTY', path: source, files },
    `${source}: none of ${files} file(s) holds a conversation: .jsonl (also .gz, .zst) and .parquet files are read`,
  );
}
