/**
 * @file The manifest of a dataset: what is in it and how to check it (DATA-1). Reading it trusts nothing: every field
 * is checked, unknown fields are refused, and what can be computed from other fields must agree with them.
 */
import type { HashHex } from '@alice/protocol';
import { DATASET_FIELDS, type DatasetFields, readDatasetFields, readIf } from './datasetFields.js';
import { datasetRoot } from './datasetRoot.js';
import { ManifestFields } from './ManifestFields.js';

export const MANIFEST_FORMAT = 'alice-shards-1';
export const MANIFEST_FILE = 'manifest.json';

/** The splits in the order of their shards. */
export const SPLITS: readonly Split[] = ['train', 'validation', 'audit'];

/** Training shards are served; validation shards stay with the scorer; nobody scores with audit shards. */
export type Split = 'train' | 'validation' | 'audit';

/** Documents of a shard that follow each other in one source file. */
export interface ProvenanceRun {
  /** Index into `sources`. */
  readonly source: number;
  /** Places in the unpacked file: bytes, or rows of a parquet file. */
  readonly from: number;
  readonly to: number;
  /** Documents that begin in this shard; those between `from` and `to` that are in no shard or another are not counted. */
  readonly documents: number;
}

export interface ShardInfo {
  /** 0, 1, 2 …; training shards first. */
  readonly id: number;
  readonly split: Split;
  readonly tokens: number;
  /** 2 bytes a token. */
  readonly bytes: number;
  readonly sha256: HashHex;
  /** Merkle root over the hashes of its 64 KiB blocks, for fetching parts of it. */
  readonly blocks?: HashHex;
  /** Tokens at the beginning that belong to a document begun in the shard before. */
  readonly skip?: number;
  /** Where its documents come from, in order; only in datasets built as a stream. */
  readonly runs?: readonly ProvenanceRun[];
}

/** How a source was read as a stream: with it, anyone can make the tokens of a place again. */
export interface Reading {
  /** The source, pinned: a hub data set with its commit, an address, or a folder's name. */
  readonly source: string;
  readonly textField: string;
  readonly documentLimit: number;
  readonly lineLimitBytes: number;
  readonly auditFraction: number;
}

/** `shardTokens`: of every shard but the last ones of each split, which may be shorter. */
export interface Manifest extends DatasetFields {
  readonly format: typeof MANIFEST_FORMAT;
  readonly reading?: Reading;
  readonly shards: readonly ShardInfo[];
  readonly documents: number;
  /** How near-duplicates were treated, and how many documents were left out for it; absent when not looked for. */
  readonly nearDuplicates?: { readonly mode: 'keep' | 'drop'; readonly dropped: number };
}

/** The text of a manifest file; equal manifests give equal texts. */
export function manifestText(manifest: Manifest): string {
  return `${JSON.stringify(manifest, null, 1)}\n`;
}

/** Reads a manifest file's text; `file` is named in errors. Throws `MANIFEST_INVALID`. */
export function parseManifest(text: string, file: string): Manifest {
  const fields = ManifestFields.parse(text, file);
  fields.only('format', 'reading', 'shards', 'documents', 'nearDuplicates', ...DATASET_FIELDS);
  fields.check(
    'format',
    fields.value('format') === MANIFEST_FORMAT,
    `must be '${MANIFEST_FORMAT}': this version of Alice reads no other`,
  );
  const manifest: Manifest = {
    format: MANIFEST_FORMAT,
    ...readDatasetFields(fields),
    ...readIf(fields, 'reading', () => readReading(fields.object('reading'))),
    shards: fields.list('shards').map(readShard),
    documents: fields.integer('documents', 1),
    ...readIf(fields, 'nearDuplicates', () => readNearDuplicates(fields.object('nearDuplicates'))),
  };
  checkAgreement(manifest, fields);
  return manifest;
}

function readShard(fields: ManifestFields): ShardInfo {
  fields.only('id', 'split', 'tokens', 'bytes', 'sha256', 'blocks', 'skip', 'runs');
  const split = fields.value('split');
  if (split !== 'train' && split !== 'validation' && split !== 'audit')
    throw fields.invalid('split', "must be 'train', 'validation' or 'audit'");
  const tokens = fields.integer('tokens', 1, 2 ** 31);
  const bytes = fields.integer('bytes', 2 * tokens, 2 * tokens);
  return {
    id: fields.integer('id', 0),
    split,
    tokens,
    bytes,
    sha256: fields.hash('sha256'),
    ...readIf(fields, 'blocks', () => fields.hash('blocks')),
    ...readIf(fields, 'skip', () => fields.integer('skip', 0, tokens)),
    ...readIf(fields, 'runs', () => fields.list('runs').map(readRun)),
  };
}

function readRun(fields: ManifestFields): ProvenanceRun {
  fields.only('source', 'from', 'to', 'documents');
  const from = fields.integer('from', 0);
  const to = fields.integer('to', from);
  return { source: fields.integer('source', 0), from, to, documents: fields.integer('documents', 0) };
}

function readReading(fields: ManifestFields): Reading {
  fields.only('source', 'textField', 'documentLimit', 'lineLimitBytes', 'auditFraction');
  const auditFraction = fields.value('auditFraction');
  return {
    source: fields.text('source', 4096),
    textField: fields.text('textField', 200),
    documentLimit: fields.integer('documentLimit', 16),
    lineLimitBytes: fields.integer('lineLimitBytes', 1),
    auditFraction: auditFraction === 0 ? 0 : fields.fraction('auditFraction'),
  };
}

function readNearDuplicates(fields: ManifestFields): NonNullable<Manifest['nearDuplicates']> {
  fields.only('mode', 'dropped');
  const mode = fields.value('mode');
  if (mode !== 'keep' && mode !== 'drop') throw fields.invalid('mode', "must be 'keep' or 'drop'");
  return { mode, dropped: fields.integer('dropped', 0) };
}

function checkAgreement(manifest: Manifest, fields: ManifestFields): void {
  let reached = 0;
  for (const [i, shard] of manifest.shards.entries()) {
    fields.check(`shards[${i}].id`, shard.id === i, `must be ${i}: shards are listed in order`);
    fields.check(`shards[${i}].tokens`, shard.tokens <= manifest.shardTokens, 'must not exceed shardTokens');
    const place = SPLITS.indexOf(shard.split);
    fields.check(
      `shards[${i}].split`,
      place >= reached,
      'training shards come first, then validation, then audit',
    );
    reached = place;
    const isKnown = (shard.runs ?? []).every(({ source }) => source < manifest.sources.length);
    fields.check(`shards[${i}].runs`, isKnown, 'must name sources of the list');
  }
  const has = (split: Split): boolean => manifest.shards.some((shard) => shard.split === split);
  fields.check('shards', has('train') && has('validation'), 'must hold training and validation shards');
  const documents = manifest.sources.reduce((sum, source) => sum + source.documents, 0);
  fields.check('documents', documents === manifest.documents, "must be the sum of the sources' documents");
  fields.check(
    'root',
    datasetRoot(manifest.shards) === manifest.root,
    'is not the root of the shards listed',
  );
}
