/** @file Everything that decides the bytes of a streamed build, beside the source's content. All of it goes into the recipe. */
import { type HashHex, hashJson } from '@alice/protocol';
import type { Split } from '../manifest.js';
import type { NearDuplicates } from '../near/findNearDuplicates.js';

export interface StreamSettings {
  readonly tokenizer: { readonly id: string; readonly vocab: number; readonly separator: number };
  /** Decides the order of the files, and which documents are kept apart. */
  readonly seed: string;
  readonly textField: string;
  /** Parts of the documents, by hash, kept for validation and for audit. */
  readonly validationFraction: number;
  readonly auditFraction: number;
  readonly shardTokens: number | null;
  /** The most tokens of each split; null: all there is. */
  readonly mostTokens: Readonly<Record<Split, number>> | null;
  readonly documentLimit: number;
  readonly lineLimitBytes: number;
  readonly onInvalid: 'refuse' | 'skip';
  readonly nearDuplicates: NearDuplicates;
}

/** Hash of what the parts depend on: limits and shard lengths may change without making them anew. */
export function partKeyOf({
  shardTokens: _,
  mostTokens: __,
  nearDuplicates,
  ...settings
}: StreamSettings): HashHex {
  // Parts made without signatures are those of earlier versions.
  // A part without faults is the same whether faults stop a build or not.
  return hashJson({ ...settings, onInvalid: 'refuse', version: nearDuplicates === 'ignore' ? 1 : 2 });
}
