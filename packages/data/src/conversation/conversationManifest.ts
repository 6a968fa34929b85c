/**
 * @file The manifest of a conversation dataset (`manifest.json`, format `alice-conversations-1`): what it holds and how to
 * check it. Read as carefully as the manifest of a text dataset: unknown fields and contradictions are refused.
 */
import { concatBytes, fromHex, type HashHex, merkleRoot } from '@alice/protocol';
import { DATASET_FIELDS, type DatasetFields, readDatasetFields } from '../datasetFields.js';
import { ManifestFields } from '../ManifestFields.js';
import { CHAT_TEMPLATE } from './chatTemplate.js';
import type { ConversationKind } from './conversationShard.js';

export const CONVERSATIONS_FORMAT = 'alice-conversations-1';

export type ConversationSplit = 'train' | 'validation';

export interface ConversationShardInfo {
  readonly split: ConversationSplit;
  /** 0, 1, 2 … within the split. */
  readonly number: number;
  readonly records: number;
  readonly tokens: number;
  /** Tokens whose prediction is learned. */
  readonly learned: number;
  readonly bytes: number;
  readonly sha256: HashHex;
}

export interface ConversationManifest extends DatasetFields {
  readonly format: typeof CONVERSATIONS_FORMAT;
  readonly kind: ConversationKind;
  readonly template: typeof CHAT_TEMPLATE;
  readonly shards: readonly ConversationShardInfo[];
  readonly records: number;
}

export function conversationShardName({
  split,
  number,
}: Pick<ConversationShardInfo, 'split' | 'number'>): string {
  return `${split}-${String(number).padStart(6, '0')}.bin`;
}

/** Merkle root over the shards in order; leaf = kind (1: 1 chat, 2 preference) ‖ split (1: 0, 1) ‖ SHA-256. */
export function conversationRoot({ kind, shards }: Pick<ConversationManifest, 'kind' | 'shards'>): HashHex {
  return merkleRoot(
    shards.map(({ split, sha256 }) =>
      concatBytes(Uint8Array.of(kind === 'chat' ? 1 : 2, split === 'train' ? 0 : 1), fromHex(sha256)),
    ),
  );
}

/** Throws `MANIFEST_INVALID`; `file` is named in errors. */
export function parseConversationManifest(text: string, file: string): ConversationManifest {
  const fields = ManifestFields.parse(text, file);
  fields.only('format', 'kind', 'template', 'shards', 'records', ...DATASET_FIELDS);
  fields.check(
    'format',
    fields.value('format') === CONVERSATIONS_FORMAT,
    `must be '${CONVERSATIONS_FORMAT}' for conversations`,
  );
  fields.check(
    'template',
    fields.value('template') === CHAT_TEMPLATE,
    `must be '${CHAT_TEMPLATE}': this version of Alice writes conversations in no other way`,
  );
  const kind = fields.value('kind');
  if (kind !== 'chat' && kind !== 'preference')
    throw fields.invalid('kind', "must be 'chat' or 'preference'");
  const manifest: ConversationManifest = {
    format: CONVERSATIONS_FORMAT,
    kind,
    template: CHAT_TEMPLATE,
    ...readDatasetFields(fields),
    shards: fields.list('shards').map(readShard),
    records: fields.integer('records', 1),
  };
  checkAgreement(manifest, fields);
  return manifest;
}

function readShard(fields: ManifestFields): ConversationShardInfo {
  fields.only('split', 'number', 'records', 'tokens', 'learned', 'bytes', 'sha256');
  const split = fields.value('split');
  if (split !== 'train' && split !== 'validation')
    throw fields.invalid('split', "must be 'train' or 'validation'");
  const tokens = fields.integer('tokens', 1, 2 ** 31);
  return {
    split,
    number: fields.integer('number', 0),
    records: fields.integer('records', 1),
    tokens,
    learned: fields.integer('learned', 1, tokens),
    bytes: fields.integer('bytes', 2 * tokens),
    sha256: fields.hash('sha256'),
  };
}

function checkAgreement(manifest: ConversationManifest, fields: ManifestFields): void {
  const train = manifest.shards.filter(({ split }) => split === 'train').length;
  for (const [i, { split, number }] of manifest.shards.entries()) {
    const isInOrder =
      split === (i < train ? 'train' : 'validation') && number === (i < train ? i : i - train);
    fields.check(`shards[${i}]`, isInOrder, 'must be in order, training shards first');
  }
  fields.check('shards', train > 0, 'must hold training shards');
  const records = manifest.shards.reduce((sum, shard) => sum + shard.records, 0);
  fields.check('records', records === manifest.records, "must be the sum of the shards' records");
  fields.check('root', conversationRoot(manifest) === manifest.root, 'is not the root of the shards listed');
}
