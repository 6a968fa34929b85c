/** @file Batches of different rows drawn from a split, for evaluation: no row is drawn twice in a batch. */
import { type Random, seededRandom } from '@alice/protocol';
import { rowCount } from './cutRows.js';
import { DataError, requireInteger } from './errors.js';
import type { Split } from './manifest.js';
import type { Dataset } from './openDataset.js';

export interface SampleOptions {
  readonly dataset: Pick<Dataset, 'manifest' | 'shard'>;
  readonly split: Split;
  /** Number of rows. */
  readonly rows: number;
  /** Ids in a row: sequenceLength + 1. */
  readonly rowLength: number;
  readonly seed: string;
}

/**
 * `rows` different rows, uniform over those that `cutRows` makes of each shard; a pure function of dataset and seed.
 * A part of the batch is itself a fair batch: the order is random too. Shape: (rows × rowLength), row-major.
 * Throws `ROWS_TOO_FEW`, `OPTION_INVALID` and what reading a shard throws. Cost: each shard concerned is read once.
 */
export async function sampleRows({
  dataset,
  split,
  rows,
  rowLength,
  seed,
}: SampleOptions): Promise<Uint16Array> {
  requireInteger('rows', rows, 1, 2 ** 24);
  requireInteger('rowLength', rowLength, 2, 2 ** 20);
  const shards = dataset.manifest.shards.filter((shard) => shard.split === split);
  const available = shards.reduce((sum, shard) => sum + rowCount(shard.tokens, rowLength), 0);
  if (rows > available) throw tooFew(rows, available, split);
  const chosen = distinct(rows, available, seededRandom(seed));
  const places = Array.from(chosen, (_, i) => i).sort((a, b) => chosen[a]! - chosen[b]!);
  const batch = new Uint16Array(rows * rowLength);
  let firstOfShard = 0;
  let next = 0;
  for (const shard of shards) {
    const firstOfNext = firstOfShard + rowCount(shard.tokens, rowLength);
    while (next < rows && chosen[places[next]!]! < firstOfNext) {
      const place = places[next++]!;
      const from = (chosen[place]! - firstOfShard) * (rowLength - 1);
      const tokens = await dataset.shard(shard.id);
      batch.set(tokens.subarray(from, from + rowLength), place * rowLength);
    }
    firstOfShard = firstOfNext;
  }
  return batch;
}

/** `count` different numbers below `bound` in random order: Floyd's sample (1987), then Fisher–Yates. */
function distinct(count: number, bound: number, random: Random): number[] {
  const taken = new Set<number>();
  for (let last = bound - count; last < bound; last++) {
    const drawn = random.below(last + 1);
    taken.add(taken.has(drawn) ? last : drawn);
  }
  const order = [...taken];
  for (let i = order.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}

function tooFew(neededRows: number, availableRows: number, split: Split): DataError {
  return new DataError(
    { code: 'ROWS_TOO_FEW', neededRows, availableRows },
    `the ${split} split holds ${availableRows} rows of this length, ${neededRows} are asked for: ` +
      'ask for fewer or shorter rows, or build the dataset from more text',
  );
}
