/**
 * @file How many of a node's k entries lie in its left half, when all sets of k among n positions are equally likely:
 * the hypergeometric distribution C(l, a) · C(r, k − a) / C(n, k), rounded to 2¹⁵ parts of which every possible count
 * has at least one. Only +, −, ×, ÷ and floor on FP64 in the order written: IEEE 754 makes these the same everywhere.
 */
import { MAX_UNIFORM } from './rangeCoding.js';

/** Of a node of up to 4,096 positions. */
export interface SplitTable {
  /** The smallest possible count on the left. */
  readonly least: number;
  /** `starts[i]` parts lie before count `least + i`; one more element than counts, the last 2¹⁵. */
  readonly starts: Uint16Array;
  /** Position in `starts` of the likeliest count. */
  readonly likeliest: number;
  /** Where to begin to look for the count of part p: at `guesses[p >>> GUESS_SHIFT]`, and upwards. */
  readonly guesses: Uint16Array;
}

/** A guess for each run of 2⁹ parts. */
export const GUESS_SHIFT = 9;

/** Positions in the left half of a node: the largest power of two below `size`, so that tables repeat. */
export function leftSize(size: number): number {
  return 1 << (31 - Math.clz32(size - 1));
}

/** Tables of sizes that are powers of two, by size and entries: at most 7 MB if all are ever used. */
const kept: SplitTable[][] = Array.from({ length: 13 }, () => []);

/** The table of a node of `size` positions with `entries` of them set, 1 ≤ entries < size. Cost: O(entries) once. */
export function splitTable(size: number, entries: number): SplitTable {
  if ((size & (size - 1)) !== 0) return makeTable(size, entries); // one node a level, in a tensor's last chunk only
  const tables = kept[31 - Math.clz32(size)]!;
  let table = tables[entries];
  if (table === undefined) {
    table = makeTable(size, entries);
    tables[entries] = table;
  }
  return table;
}

function makeTable(size: number, entries: number): SplitTable {
  const left = leftSize(size);
  const right = size - left;
  const least = Math.max(0, entries - right);
  const most = Math.min(entries, left);
  const mode = Math.floor(((entries + 1) * (left + 1)) / (size + 2));
  const likeliest = Math.min(most, Math.max(least, mode)) - least;
  const weights = new Float64Array(most - least + 1);
  weights[likeliest] = 1;
  for (let i = likeliest; i < most - least; i++) {
    const a = least + i;
    weights[i + 1] = (weights[i]! * ((left - a) * (entries - a))) / ((a + 1) * (right - entries + a + 1));
  }
  for (let i = likeliest; i > 0; i--) {
    const a = least + i;
    weights[i - 1] = (weights[i]! * (a * (right - entries + a))) / ((left - a + 1) * (entries - a + 1));
  }
  const starts = startsOf(weights, likeliest);
  return { least, starts, likeliest, guesses: guessesOf(starts) };
}

/** One part each, the rest in proportion, what rounding down leaves over to the likeliest. */
function startsOf(weights: Float64Array, likeliest: number): Uint16Array {
  let sum = 0;
  for (const weight of weights) sum += weight;
  const free = MAX_UNIFORM - weights.length;
  const parts = new Uint16Array(weights.length);
  let left = free;
  for (let i = 0; i < parts.length; i++) {
    const share = Math.floor((weights[i]! * free) / sum);
    parts[i] = 1 + share;
    left -= share;
  }
  parts[likeliest]! += left;
  const starts = new Uint16Array(parts.length + 1);
  for (let i = 0; i < parts.length; i++) starts[i + 1] = starts[i]! + parts[i]!;
  return starts;
}

function guessesOf(starts: Uint16Array): Uint16Array {
  const guesses = new Uint16Array(MAX_UNIFORM >>> GUESS_SHIFT);
  for (let run = 0, i = 0; run < guesses.length; run++) {
    while (starts[i + 1]! <= run << GUESS_SHIFT) i++;
    guesses[run] = i;
  }
  return guesses;
}
