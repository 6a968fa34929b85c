/**
 * @file Which tokens a miner trains on in a round (TASK-1): a pure function that anyone can repeat from the public shard
 * list. A task takes many short runs of rows from a few shards, because one long run is one or two documents and
 * teaches less (measured: 0.1 to 0.2 nats in ten rounds). Runs of one task never overlap. Where the cuts lie inside a
 * shard changes with the round, so that rows change when a text comes round again.
 */
import { type Random, seededRandom } from '@alice/protocol';
import { rowCount } from './cutRows.js';
import { DataError, requireInteger } from './errors.js';

/** The tokens [from, from + count) of a shard. */
export interface TokenRange {
  readonly shard: number;
  readonly from: number;
  readonly count: number;
}

export interface AssignRangesOptions {
  readonly seed: string;
  /** The miner's address, with its instance if it has several. */
  readonly miner: string;
  readonly round: number;
  /** Only training shards are ever assigned (DATA-1). */
  readonly shards: readonly { readonly id: number; readonly tokens: number; readonly split?: string }[];
  /** Rows a full task trains on. A text with fewer gives all it has. */
  readonly rows: number;
  /** Ids in a row: sequenceLength + 1. */
  readonly rowLength: number;
  /** Shards a task draws from; more when these hold too few rows. Bounds what a miner downloads. */
  readonly shardsPerTask: number;
}

/** Neighbouring rows of one run. Longer runs need fewer requests, shorter ones mix better. */
const ROWS_PER_RUN = 4;

interface Slot {
  readonly shard: number;
  readonly from: number;
  readonly rows: number;
}

/** Ranges ascending by shard and position. Throws `OPTION_INVALID`, `SHARDS_TOO_SHORT`. Cost: the number of shards. */
export function assignRanges(options: AssignRangesOptions): TokenRange[] {
  const { seed, miner, round, rows, rowLength, shardsPerTask } = options;
  requireInteger('rows', rows, 1);
  requireInteger('rowLength', rowLength, 2);
  requireInteger('round', round, 0);
  requireInteger('shardsPerTask', shardsPerTask, 1);
  // JSON keeps the parts apart: no miner's name can imitate another seed or round.
  const random = seededRandom(JSON.stringify(['assignment', seed, round, miner]));
  const slots = slotsOfSomeShards(options, random);
  if (slots.length === 0) throw tooShort(options);
  const chosen: Slot[] = [];
  for (let taken = 0; taken < rows && slots.length > 0; ) {
    const slot = slots.splice(random.below(slots.length), 1)[0]!;
    chosen.push(slot);
    taken += slot.rows;
  }
  chosen.sort((a, b) => a.shard - b.shard || a.from - b.from);
  return chosen.map(({ shard, from, rows: length }) => ({
    shard,
    from,
    count: length * (rowLength - 1) + 1,
  }));
}

/** The runs of `shardsPerTask` random shards, and of further ones while they hold too few rows. */
function slotsOfSomeShards(options: AssignRangesOptions, random: Random): Slot[] {
  const { rows, rowLength, shardsPerTask } = options;
  const left = options.shards.filter(
    (shard) => (shard.split ?? 'train') === 'train' && rowCount(shard.tokens, rowLength) > 0,
  );
  const slots: Slot[] = [];
  for (let shards = 0, held = 0; left.length > 0 && (shards < shardsPerTask || held < rows); shards++) {
    const shard = left.splice(random.below(left.length), 1)[0]!;
    const fresh = slotsOf(shard, options);
    held += fresh.reduce((sum, slot) => sum + slot.rows, 0);
    slots.push(...fresh);
  }
  return slots;
}

/** One shard cut into runs of rows; the tokens that fill no row lie before and behind them, by the round. */
function slotsOf(
  { id, tokens }: AssignRangesOptions['shards'][number],
  { seed, round, rowLength }: AssignRangesOptions,
): Slot[] {
  const stride = rowLength - 1;
  const rows = rowCount(tokens, rowLength);
  const spare = tokens - 1 - rows * stride;
  const shift = seededRandom(JSON.stringify(['shift', seed, round, id])).below(spare + 1);
  const slots: Slot[] = [];
  for (let row = 0; row < rows; row += ROWS_PER_RUN)
    slots.push({ shard: id, from: shift + row * stride, rows: Math.min(ROWS_PER_RUN, rows - row) });
  return slots;
}

function tooShort({ shards, rowLength }: AssignRangesOptions): DataError {
  const longestTokens = shards.reduce((most, { tokens }) => Math.max(most, tokens), 0);
  return new DataError(
    { code: 'SHARDS_TOO_SHORT', tokensPerTask: rowLength, longestTokens },
    `a row needs ${rowLength} tokens, the longest training shard has ${longestTokens}: ` +
      'use shorter rows, or build the dataset with larger shards',
  );
}
