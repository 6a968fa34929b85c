/**
 * @file Which tokens a miner trains on in a round (TASK-1): a pure function that anyone can repeat from the public shard
 * list. Every training shard is cut into slots of one task's length; seed, round and miner choose one slot. Two
 * miners of a round have the same slot or disjoint ranges; m miners over S slots share one with chance
 * about m²/2S. Where the cuts lie inside a shard changes with the round, so that rows change when a text comes round again.
 */
import { seededRandom } from '@alice/protocol';
import { DataError, requireInteger } from './errors.js';

/** The tokens [from, from + count) of a shard. */
export interface TokenRange {
  readonly shard: number;
  readonly from: number;
  readonly count: number;
}

export interface AssignOptions {
  readonly seed: string;
  /** The miner's address, with its instance if it has several. */
  readonly miner: string;
  readonly round: number;
  /** The dataset's shards in order; validation shards are passed over, they are never assigned (DATA-1). */
  readonly shards: readonly {
    readonly id: number;
    readonly tokens: number;
    readonly split?: 'train' | 'validation';
  }[];
  /** Length of the range; for R rows that is R · sequenceLength + 1. */
  readonly tokensPerTask: number;
}

/** Uniform over all slots. Throws `OPTION_INVALID`, `SHARDS_TOO_SHORT`. Cost: the number of shards. */
export function assignTokens({ seed, miner, round, shards, tokensPerTask }: AssignOptions): TokenRange {
  requireInteger('tokensPerTask', tokensPerTask, 1);
  requireInteger('round', round, 0);
  const slotsOf = (shard: AssignOptions['shards'][number]): number =>
    shard.split === 'validation' ? 0 : Math.floor(shard.tokens / tokensPerTask);
  const slots = shards.reduce((sum, shard) => sum + slotsOf(shard), 0);
  if (slots === 0) throw tooShort(shards, tokensPerTask);
  // JSON keeps the parts apart: no miner's name can imitate another seed or round.
  let slot = seededRandom(JSON.stringify(['assignment', seed, round, miner])).below(slots);
  for (const shard of shards) {
    const here = slotsOf(shard);
    if (slot < here) {
      // The tokens that fill no slot are spread before and behind the slots, for all miners of the round alike.
      const spare = shard.tokens - here * tokensPerTask;
      const shift = seededRandom(JSON.stringify(['shift', seed, round, shard.id])).below(spare + 1);
      return { shard: shard.id, from: shift + slot * tokensPerTask, count: tokensPerTask };
    }
    slot -= here;
  }
  throw new Error('cannot happen: the slot is below the sum of all slots');
}

function tooShort(shards: AssignOptions['shards'], tokensPerTask: number): DataError {
  const longestTokens = shards.reduce(
    (most, s) => (s.split === 'validation' ? most : Math.max(most, s.tokens)),
    0,
  );
  return new DataError(
    { code: 'SHARDS_TOO_SHORT', tokensPerTask, longestTokens },
    `a task needs ${tokensPerTask} tokens in one shard, the longest training shard has ${longestTokens}: ` +
      'use fewer inner steps, fewer or shorter rows, or build the dataset with larger shards',
  );
}
