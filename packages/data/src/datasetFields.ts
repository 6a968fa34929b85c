/** @file The fields that the manifests of texts and of conversations share, and how they are read: trusting nothing. */
import type { HashHex } from '@alice/protocol';
import type { ManifestFields } from './ManifestFields.js';

/** Something in a source that was left out. */
export interface SourceFault {
  readonly code: string;
  /** Byte in the unpacked file for lines and text, in the stored file for damage, row for parquet. */
  readonly offset: number;
}

export interface SourceInfo {
  /** Name within the source, "/" between folders. For people: nothing is ever opened by it. */
  readonly path: string;
  readonly bytes: number;
  readonly sha256: HashHex;
  /** Documents (conversations, pairs) taken from it, duplicates not counted. */
  readonly documents: number;
  /** What was left out of it: how many faults, and the first of them. */
  readonly faultCount?: number;
  readonly faults?: readonly SourceFault[];
}

export interface DatasetFields {
  readonly name: string;
  readonly tokenizer: { readonly id: string; readonly vocab: number; readonly separator: number };
  readonly shardTokens: number;
  readonly validationFraction: number;
  readonly seed: string;
  readonly sources: readonly SourceInfo[];
  readonly duplicatesDropped: number;
  /** Files, lines and rows left out because they were invalid. */
  readonly skipped: number;
  /** Hash of all that decides the shards' bytes: a build with the same recipe has nothing to do. */
  readonly recipe: HashHex;
  /** What a network names the dataset by: the Merkle root over the shards. */
  readonly root: HashHex;
}

const readers: { readonly [K in keyof DatasetFields]: (fields: ManifestFields) => DatasetFields[K] } = {
  name: (fields) => fields.fileName('name'),
  tokenizer: (fields) => readTokenizer(fields.object('tokenizer')),
  shardTokens: (fields) => fields.integer('shardTokens', 1, 2 ** 31),
  validationFraction: (fields) => fields.fraction('validationFraction'),
  seed: (fields) => fields.text('seed', 200),
  sources: (fields) => fields.list('sources').map(readSource),
  duplicatesDropped: (fields) => fields.integer('duplicatesDropped', 0),
  skipped: (fields) => fields.integer('skipped', 0),
  recipe: (fields) => fields.hash('recipe'),
  root: (fields) => fields.hash('root'),
};

export const DATASET_FIELDS: readonly string[] = Object.keys(readers);

/** Throws `MANIFEST_INVALID`. */
export function readDatasetFields(fields: ManifestFields): DatasetFields {
  return Object.fromEntries(
    Object.entries(readers).map(([name, read]) => [name, read(fields)]),
  ) as unknown as DatasetFields;
}

/** A field that older or other builds do not have. */
export function readIf<K extends string, V>(fields: ManifestFields, key: K, read: () => V): { [P in K]?: V } {
  return fields.value(key) === undefined ? {} : ({ [key]: read() } as { [P in K]?: V });
}

function readTokenizer(fields: ManifestFields): DatasetFields['tokenizer'] {
  fields.only('id', 'vocab', 'separator');
  const vocab = fields.integer('vocab', 2, 65_536);
  return { id: fields.fileName('id'), vocab, separator: fields.integer('separator', 0, vocab - 1) };
}

function readSource(fields: ManifestFields): SourceInfo {
  fields.only('path', 'bytes', 'sha256', 'documents', 'faultCount', 'faults');
  return {
    path: fields.relativePath('path'),
    bytes: fields.integer('bytes', 0),
    sha256: fields.hash('sha256'),
    documents: fields.integer('documents', 0),
    ...readIf(fields, 'faultCount', () => fields.integer('faultCount', 0)),
    ...readIf(fields, 'faults', () => fields.list('faults').map(readFault)),
  };
}

function readFault(fields: ManifestFields): SourceFault {
  fields.only('code', 'offset');
  return { code: fields.fileName('code'), offset: fields.integer('offset', 0) };
}
