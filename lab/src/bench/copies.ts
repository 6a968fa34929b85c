/**
 * @file Telling copies from independent work among many: the index of sketches against comparing a submission with every
 * earlier one, in full and by sketches alone (which the server did until the index). Half of an honest submission's entries
 * lie where all of them like to be, so that two share a quarter; one in fifty is a copy with a twentieth moved. Times are the
 * processor's.
 */
import { seededRandom } from '@alice/protocol';
import {
  CopyIndex,
  defaultOverlapThresholds,
  type FlatDelta,
  type IndexSketch,
  mayBeCopies,
  overlapOf,
  sketchIndices,
} from '@alice/training';
import { spentMs } from '../spentMs.js';
import type { Bench, Figure } from './figure.js';

const ELEMENTS = 100_000;
const ENTRIES = 6_000;
const ROUNDS_OF = [250, 1_000, 4_000];
const COPIED_EVERY = 50;
/** Pairs of which the cost of comparing one is measured: all of them would take hours. */
const MEASURED_PAIRS = 20_000;
const SECRET = 'bench';

export const copiesBench: Bench = {
  name: 'copies',
  about:
    'finding copies in rounds of up to 4,000 submissions: index of sketches against comparing every pair',
  async run(say) {
    const most = Math.max(...ROUNDS_OF);
    say(`making ${most} submissions of ${ENTRIES} entries`);
    const round = makeRound(most);
    const sketchMs = perItem(round, (delta) => sketchIndices(delta, SECRET));
    const sketches = round.map((delta) => sketchIndices(delta, SECRET));
    return [
      {
        name: 'sketch_ns_per_entry',
        value: (1e6 * sketchMs) / ENTRIES,
        unit: 'ns',
        baseline: null,
        note: 'done once for each submission',
      },
      ...ROUNDS_OF.flatMap((count) => figuresOf(round, sketches, count)),
    ];
  },
};

function makeRound(count: number): FlatDelta[] {
  const random = seededRandom('bench/copies');
  const round: FlatDelta[] = [];
  for (let i = 0; i < count; i++) {
    const isCopied = i % COPIED_EVERY === COPIED_EVERY - 1;
    const kept = isCopied ? round[random.below(i)]!.indices!.subarray(0, 0.95 * ENTRIES) : [];
    const picked = new Set<number>(kept);
    while (picked.size < ENTRIES / 2) picked.add(random.below(ENTRIES));
    while (picked.size < ENTRIES) picked.add(random.below(ELEMENTS));
    round.push({ indices: Uint32Array.from(picked).sort(), values: new Float32Array(ENTRIES).fill(1) });
  }
  return round;
}

/** The last tenth of a round of `count` looked up in the rest: what a submission costs when as many are there. */
function figuresOf(all: readonly FlatDelta[], sketches: readonly IndexSketch[], count: number): Figure[] {
  const index = new CopyIndex(SECRET);
  const from = 0.9 * count;
  for (let i = 0; i < from; i++) index.add(String(i), sketches[i]!);
  let named = 0;
  const found: number[] = [];
  const startMs = spentMs();
  for (let i = from; i < count; i++) {
    for (const id of index.candidates(sketches[i]!)) {
      named++;
      if (mayBeCopies(sketches[i]!, sketches[Number(id)]!) && isCopy(all[i]!, all[Number(id)]!)) {
        found.push(i);
        break;
      }
    }
    index.add(String(i), sketches[i]!);
  }
  const looked = count - from;
  const indexMs = (spentMs() - startMs) / looked;
  const sketchMs = perPair(count, (a, b) => mayBeCopies(sketches[a]!, sketches[b]!));
  const fullMs = perPair(count, (a, b) => isCopy(all[a]!, all[b]!));
  const figure = (name: string, baselineMs: number, note: string): Figure => ({
    name: `${name}_${count}`,
    value: 1e3 * indexMs,
    unit: 'µs',
    baseline: 1e3 * baselineMs * count,
    note,
  });
  return [
    figure('lookup_vs_full', fullMs, `a submission, ${count} there; baseline: a merge pass with each`),
    figure('lookup_vs_sketches', sketchMs, 'baseline: a merge of sketches with each'),
    {
      name: `named_${count}`,
      value: named / looked,
      unit: 'of them',
      baseline: count,
      note: 'submissions that the index names, copied ones among them; baseline: all',
    },
    {
      name: `found_${count}`,
      value: found.length,
      unit: 'copies',
      baseline: copiesIn(from, count),
      note: 'baseline: copies that there are',
    },
  ];
}

const isCopy = (a: FlatDelta, b: FlatDelta): boolean =>
  overlapOf(a, b).indexFraction >= defaultOverlapThresholds.copy;

const copiesIn = (from: number, to: number): number =>
  Math.floor(to / COPIED_EVERY) - Math.floor(from / COPIED_EVERY);

function perItem<T>(items: readonly T[], work: (item: T) => unknown): number {
  const startMs = spentMs();
  for (const item of items) work(item);
  return (spentMs() - startMs) / items.length;
}

function perPair(count: number, work: (a: number, b: number) => unknown): number {
  const startMs = spentMs();
  for (let n = 0; n < MEASURED_PAIRS; n++) work(n % count, (7919 * n + 1) % count);
  return (spentMs() - startMs) / MEASURED_PAIRS;
}
