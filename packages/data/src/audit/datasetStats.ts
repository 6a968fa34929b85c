/** @file Figures about a dataset: the lengths of its documents, and how much each source gave. */
import { SPLITS, type Split } from '../manifest.js';
import type { Dataset } from '../openDataset.js';
import { type SourceFolder, sourceFolders } from './sourceFolders.js';
import { splitDocuments } from './splitDocuments.js';

export interface DatasetStats {
  readonly tokens: Readonly<Record<Split, number>>;
  readonly documents: Readonly<Record<Split, number>>;
  readonly duplicatesDropped: number;
  /** Left out for being near to another document, and the way that was asked for; null when not looked for. */
  readonly nearDuplicates: { readonly mode: 'keep' | 'drop'; readonly dropped: number } | null;
  readonly skipped: number;
  /** Documents with 2^i to 2^(i+1) − 1 tokens, at index i; empty ones at 0. */
  readonly lengths: readonly number[];
  /** Documents of each folder of the source, most first. */
  readonly folders: readonly SourceFolder[];
}

/** Throws what reading a shard throws. Cost: all shards are read once. */
export async function datasetStats(dataset: Dataset): Promise<DatasetStats> {
  const { manifest } = dataset;
  const lengths: number[] = [];
  const documents = { train: 0, validation: 0, audit: 0 };
  for (const split of SPLITS)
    for await (const { tokens } of splitDocuments(dataset, split)) {
      const power = Math.floor(Math.log2(Math.max(1, tokens.length)));
      while (lengths.length <= power) lengths.push(0);
      lengths[power]!++;
      documents[split]++;
    }
  return {
    tokens: {
      train: dataset.tokensOf('train'),
      validation: dataset.tokensOf('validation'),
      audit: dataset.tokensOf('audit'),
    },
    documents,
    duplicatesDropped: manifest.duplicatesDropped,
    nearDuplicates: manifest.nearDuplicates ?? null,
    skipped: manifest.skipped,
    lengths,
    folders: sourceFolders(manifest.sources),
  };
}
