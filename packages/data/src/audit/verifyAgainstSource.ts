/**
 * @file Makes the tokens of some shards again from the published source and compares. Any run of a shard can be chosen:
 * its source file is read (and its hash compared), the documents between its places are tokenised, and each document of
 * the shard must be among them, in order. Those left out must be of another split, or duplicates.
 */
import { seededRandom } from '@alice/protocol';
import { DataError } from '../errors.js';
import type { ProvenanceRun, Reading, ShardInfo } from '../manifest.js';
import type { Dataset } from '../openDataset.js';
import type { ShardTokenizer } from '../shardTokenizer.js';
import type { ListedFile } from '../sources/ListedFile.js';
import { listSource } from '../sources/listSource.js';
import { ReadAccount, storedBytes } from '../sources/openBytes.js';
import type { WebAccess } from '../sources/remote/fetchWithRetries.js';
import { hubAccess } from '../sources/remote/listHub.js';
import { type SourceDocument, streamDocuments } from '../sources/streamDocuments.js';
import { writtenPath } from '../sources/writtenPath.js';

export interface SourceCheckOptions {
  readonly dataset: Pick<Dataset, 'manifest' | 'shard'>;
  /** Where the source is now; a hub data set may be named by the manifest's own `reading.source`. */
  readonly source: string;
  readonly tokenizer: ShardTokenizer;
  /** Runs to compare, drawn by `seed`. */
  readonly samples: number;
  readonly seed: string;
  readonly access?: WebAccess;
}

export interface SourceCheck {
  readonly documents: number;
  readonly tokens: number;
  readonly problems: readonly DataError[];
}

/** Throws `MANIFEST_INVALID` for a dataset without provenance, and what reading source and shards throws. */
export async function verifyAgainstSource(options: SourceCheckOptions): Promise<SourceCheck> {
  const { dataset, samples, seed } = options;
  const access = { ...hubAccess(), ...options.access };
  const { manifest } = dataset;
  const { reading } = manifest;
  if (reading === undefined) throw noProvenance();
  const listed = await listSource(options.source, access);
  const files = new Map(listed.files.map((file) => [writtenPath(file.path), file]));
  const random = seededRandom(`${seed}|source check`);
  const runs = manifest.shards.flatMap((shard) =>
    (shard.runs ?? []).map((run, i) => ({ shard, run, isFirst: i === 0 })),
  );
  const problems: DataError[] = [];
  let [documents, tokens] = [0, 0];
  for (let i = 0; i < samples && runs.length > 0; i++) {
    const [chosen] = runs.splice(random.below(runs.length), 1);
    try {
      const found = await checkRun(chosen!, { ...options, access, reading, files });
      documents += found.documents;
      tokens += found.tokens;
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      problems.push(error);
    }
  }
  return { documents, tokens, problems };
}

interface RunChoice {
  readonly shard: ShardInfo;
  readonly run: ProvenanceRun;
  readonly isFirst: boolean;
}

interface RunContext extends SourceCheckOptions {
  readonly access: WebAccess;
  readonly reading: Reading;
  readonly files: ReadonlyMap<string, ListedFile>;
}

async function checkRun(
  choice: RunChoice,
  context: RunContext,
): Promise<{ documents: number; tokens: number }> {
  const { shard, run } = choice;
  const { manifest } = context.dataset;
  const source = manifest.sources[run.source]!;
  const mismatch = (reason: string): DataError => mismatchOf(shard.id, source.path, reason);
  const file = context.files.get(source.path);
  if (file === undefined) throw mismatch('the source has no such file');
  if ((await hashOf(file, context.access)) !== source.sha256) throw mismatch('the file has another hash now');
  const wanted = await documentsOfRun(choice, context.dataset);
  let [next, tokens] = [0, 0];
  for await (const { text } of between(file, run, context)) {
    if (next === wanted.length) break;
    const made = context.tokenizer.encode(text);
    if (!isEqual(made, wanted[next]!)) continue;
    next++;
    tokens += made.length;
  }
  if (next < wanted.length) throw mismatch(`document ${next} of its run is not what the source gives there`);
  return { documents: next, tokens };
}

/** A parquet file on the web is read in pieces: its published hash stands for it, where there is one. */
async function hashOf(file: ListedFile, access: WebAccess): Promise<string> {
  if (file.format === 'parquet' && file.location.at === 'web' && file.sha256 !== null) return file.sha256;
  const account = new ReadAccount();
  for await (const chunk of storedBytes(file, access)) account.add(chunk);
  return account.sha256();
}

/** Whole documents of the run: those that begin and end in the shard. */
async function documentsOfRun(
  { shard, run, isFirst }: RunChoice,
  dataset: Pick<Dataset, 'manifest' | 'shard'>,
): Promise<Uint16Array[]> {
  const tokens = await dataset.shard(shard.id);
  const before = isFirst
    ? 0
    : shard.runs!.slice(0, shard.runs!.indexOf(run)).reduce((sum, { documents }) => sum + documents, 0);
  const documents: Uint16Array[] = [];
  const { separator } = dataset.manifest.tokenizer;
  for (let from = shard.skip ?? 0, number = 0; from < tokens.length; number++) {
    const end = tokens.indexOf(separator, from);
    if (end < 0 || number >= before + run.documents) break;
    if (number >= before) documents.push(tokens.subarray(from, end));
    from = end + 1;
  }
  return documents;
}

async function* between(
  file: ListedFile,
  run: ProvenanceRun,
  context: RunContext,
): AsyncGenerator<SourceDocument> {
  const { textField, documentLimit, lineLimitBytes } = context.reading;
  const documents = streamDocuments(file, {
    textField,
    documentLimit,
    lineLimitBytes,
    access: context.access,
    account: new ReadAccount(),
    onFault: () => undefined,
  });
  for await (const batch of documents)
    for (const document of batch) {
      if (document.from >= run.to) return;
      if (document.from >= run.from) yield document;
    }
}

function isEqual(a: Uint16Array, b: Uint16Array): boolean {
  return a.length === b.length && a.every((token, i) => token === b[i]);
}

function mismatchOf(shard: number, source: string, reason: string): DataError {
  return new DataError(
    { code: 'PROVENANCE_MISMATCH', shard, source, reason },
    `shard ${shard} does not follow from ${source}: ${reason}`,
  );
}

function noProvenance(): DataError {
  return new DataError(
    { code: 'MANIFEST_INVALID', file: 'manifest.json', field: 'reading', reason: 'is missing' },
    'this dataset was built whole and does not say where each shard comes from: build it again and compare the roots, or ' +
      'build it as a stream',
  );
}
