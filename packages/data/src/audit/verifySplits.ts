/** @file That no document is in two splits: validation must not be trained on, audit neither trained on nor scored with. */
import { createHash } from 'node:crypto';
import { DataError } from '../errors.js';
import type { Split } from '../manifest.js';
import type { Dataset } from '../openDataset.js';
import { tokensToBytes } from '../shardBytes.js';
import { splitDocuments } from './splitDocuments.js';

/** Documents of validation or audit found again elsewhere, at most 100. Cost: all shards; memory: the held-out hashes. */
export async function verifySplits(dataset: Pick<Dataset, 'manifest' | 'shard'>): Promise<DataError[]> {
  const seen = new Map<string, Split>();
  const overlaps: DataError[] = [];
  for (const split of ['audit', 'validation', 'train'] as const)
    for await (const { tokens, shard, position } of splitDocuments(dataset, split)) {
      const hash = createHash('sha256').update(tokensToBytes(tokens)).digest('base64');
      const other = seen.get(hash);
      if (other !== undefined && other !== split && overlaps.length < 100)
        overlaps.push(overlap(shard, position, other));
      if (split !== 'train') seen.set(hash, split);
    }
  return overlaps;
}

function overlap(shard: number, position: number, split: Split): DataError {
  return new DataError(
    { code: 'SPLIT_OVERLAP', shard, position, split },
    `the document at token ${position} of shard ${shard} is also in the ${split} split: do not use this dataset`,
  );
}
