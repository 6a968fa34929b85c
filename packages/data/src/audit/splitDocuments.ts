/** @file The documents of a split, as tokens, in the order of its shards; a document may reach over several shards. */
import { concatBytes } from '@alice/protocol';
import type { Split } from '../manifest.js';
import type { Dataset } from '../openDataset.js';
import { bytesToTokens, tokensToBytes } from '../shardBytes.js';

export interface SplitDocument {
  readonly tokens: Uint16Array;
  /** Where it begins. */
  readonly shard: number;
  readonly position: number;
}

/** Without separators. Throws what reading a shard throws. Cost: each shard is read once. */
export async function* splitDocuments(
  dataset: Pick<Dataset, 'manifest' | 'shard'>,
  split: Split,
): AsyncGenerator<SplitDocument> {
  const { separator } = dataset.manifest.tokenizer;
  let begun: { parts: Uint8Array[]; shard: number; position: number } | null = null;
  for (const { id } of dataset.manifest.shards.filter((shard) => shard.split === split)) {
    const tokens = await dataset.shard(id);
    for (let from = 0; from < tokens.length; ) {
      const end = tokens.indexOf(separator, from);
      const part = tokens.subarray(from, end < 0 ? tokens.length : end);
      if (end < 0) {
        begun ??= { parts: [], shard: id, position: from };
        begun.parts.push(tokensToBytes(part));
        break;
      }
      const whole = begun === null ? part : bytesToTokens(concatBytes(...begun.parts, tokensToBytes(part)));
      yield { tokens: whole, shard: begun?.shard ?? id, position: begun?.position ?? from };
      begun = null;
      from = end + 1;
    }
  }
}
