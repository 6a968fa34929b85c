/**
 * @file The manifest of a dataset: what is in it and how to check it (DATA-1). Reading it trusts nothing: every field
 * is checked, unknown fields are refused, and what can be computed from other fields must agree with them.
 */
import type { HashHex } from '@alice/protocol';
import { datasetRoot } from './datasetRoot.js';
import { ManifestFields } from './ManifestFields.js';

export const MANIFEST_FORMAT = 'alice-shards-1';
export const MANIFEST_FILE = 'manifest.json';

export type Split = 'train' | 'validation';

export interface ShardInfo {
  /** 0, 1, 2 …; training shards first. */
  readonly id: number;
  readonly split: Split;
  readonly tokens: number;
  /** 2 bytes a token. */
  readonly bytes: number;
  readonly sha256: HashHex;
}

export interface SourceInfo {
  /** Name within the source, "/" between folders. For people: nothing is ever opened by it. */
  readonly path: string;
  readonly bytes: number;
  readonly sha256: HashHex;
  /** Documents taken from it, duplicates not counted. */
  readonly documents: number;
}

export interface Manifest {
  readonly format: typeof MANIFEST_FORMAT;
  readonly name: string;
  readonly tokenizer: { readonly id: string; readonly vocab: number; readonly separator: number };
  /** Tokens of every shard but the last ones of each split, which may be shorter. */
  readonly shardTokens: number;
  readonly validationFraction: number;
  readonly seed: string;
  readonly shards: readonly ShardInfo[];
  readonly sources: readonly SourceInfo[];
  readonly documents: number;
  readonly duplicatesDropped: number;
  /** Files and lines left out because they were invalid. */
  readonly skipped: number;
  /** Hash of all that decides the shards' bytes: a build with the same recipe has nothing to do. */
  readonly recipe: HashHex;
  /** What a network names the dataset by: the Merkle root over the shards. */
  readonly root: HashHex;
}

/** The text of a manifest file; equal manifests give equal texts. */
export function manifestText(manifest: Manifest): string {
  return `${JSON.stringify(manifest, null, 1)}\n`;
}

/** Reads a manifest file's text; `file` is named in errors. Throws `MANIFEST_INVALID`. */
export function parseManifest(text: string, file: string): Manifest {
  const fields = ManifestFields.parse(text, file);
  fields.only('format', ...Object.keys(manifestReaders));
  fields.check(
    'format',
    fields.value('format') === MANIFEST_FORMAT,
    `must be '${MANIFEST_FORMAT}': this version of Alice reads no other`,
  );
  const manifest: Manifest = {
    format: MANIFEST_FORMAT,
    name: manifestReaders.name(fields),
    tokenizer: manifestReaders.tokenizer(fields),
    shardTokens: manifestReaders.shardTokens(fields),
    validationFraction: manifestReaders.validationFraction(fields),
    seed: manifestReaders.seed(fields),
    shards: manifestReaders.shards(fields),
    sources: manifestReaders.sources(fields),
    documents: manifestReaders.documents(fields),
    duplicatesDropped: manifestReaders.duplicatesDropped(fields),
    skipped: manifestReaders.skipped(fields),
    recipe: manifestReaders.recipe(fields),
    root: manifestReaders.root(fields),
  };
  checkAgreement(manifest, fields);
  return manifest;
}

type Readers = { readonly [K in Exclude<keyof Manifest, 'format'>]: (fields: ManifestFields) => Manifest[K] };

const manifestReaders: Readers = {
  name: (fields) => fields.fileName('name'),
  tokenizer: (fields) => readTokenizer(fields.object('tokenizer')),
  shardTokens: (fields) => fields.integer('shardTokens', 1, 2 ** 31),
  validationFraction: (fields) => fields.fraction('validationFraction'),
  seed: (fields) => fields.text('seed', 200),
  shards: (fields) => fields.list('shards').map(readShard),
  sources: (fields) => fields.list('sources').map(readSource),
  documents: (fields) => fields.integer('documents', 1),
  duplicatesDropped: (fields) => fields.integer('duplicatesDropped', 0),
  skipped: (fields) => fields.integer('skipped', 0),
  recipe: (fields) => fields.hash('recipe'),
  root: (fields) => fields.hash('root'),
};

function readTokenizer(fields: ManifestFields): Manifest['tokenizer'] {
  fields.only('id', 'vocab', 'separator');
  const vocab = fields.integer('vocab', 2, 65_536);
  return { id: fields.fileName('id'), vocab, separator: fields.integer('separator', 0, vocab - 1) };
}

function readShard(fields: ManifestFields): ShardInfo {
  fields.only('id', 'split', 'tokens', 'bytes', 'sha256');
  const split = fields.value('split');
  if (split !== 'train' && split !== 'validation')
    throw fields.invalid('split', "must be 'train' or 'validation'");
  const tokens = fields.integer('tokens', 1, 2 ** 31);
  const bytes = fields.integer('bytes', 2 * tokens, 2 * tokens);
  return { id: fields.integer('id', 0), split, tokens, bytes, sha256: fields.hash('sha256') };
}

function readSource(fields: ManifestFields): SourceInfo {
  fields.only('path', 'bytes', 'sha256', 'documents');
  return {
    path: fields.relativePath('path'),
    bytes: fields.integer('bytes', 0),
    sha256: fields.hash('sha256'),
    documents: fields.integer('documents', 0),
  };
}

function checkAgreement(manifest: Manifest, fields: ManifestFields): void {
  let isValidation = false;
  for (const [i, shard] of manifest.shards.entries()) {
    fields.check(`shards[${i}].id`, shard.id === i, `must be ${i}: shards are listed in order`);
    fields.check(`shards[${i}].tokens`, shard.tokens <= manifest.shardTokens, 'must not exceed shardTokens');
    isValidation ||= shard.split === 'validation';
    fields.check(
      `shards[${i}].split`,
      !isValidation || shard.split === 'validation',
      'training shards come first',
    );
  }
  const isSplit = isValidation && manifest.shards[0]!.split === 'train';
  fields.check('shards', isSplit, 'must hold training and validation shards');
  const documents = manifest.sources.reduce((sum, source) => sum + source.documents, 0);
  fields.check('documents', documents === manifest.documents, "must be the sum of the sources' documents");
  fields.check(
    'root',
    datasetRoot(manifest.shards) === manifest.root,
    'is not the root of the shards listed',
  );
}
