/**
 * @file What 10 to 100,000 miners cost the network, from unit costs measured here and now: bytes and nanoseconds an entry, an
 * element, a token. Arithmetic, no simulation of queues: says which part is full first, for a small model and for 7B.
 */
import { modelLayout, parameterCount, presets } from '@alice/model';
import {
  decodeAnySubmission,
  encodeAnySubmission,
  type SparseDelta,
  seededRandom,
  toHex,
} from '@alice/protocol';
import {
  CopyIndex,
  defaultTrainingSettings,
  flattenDelta,
  mayBeCopies,
  overlapWithUpdate,
  PART_ELEMENTS,
  publishedUpdate,
  StreamingAggregator,
  selectTopK,
  sketchIndices,
} from '@alice/training';
import { openLaboratory } from '../network/Laboratory.js';
import { labSettings } from '../network/settings.js';
import { spentMs } from '../spentMs.js';
import type { Assertion, Experiment } from './Experiment.js';

const MINERS = [10, 100, 1_000, 10_000, 100_000];
const DENSITY = defaultTrainingSettings.density;
/** Tries of each measurement; the fastest counts, since whatever else runs only slows it down. */
const TRIES = 5;
/** Rows of 128 tokens an accepted submission costs a scorer: one to four looks after, 96 for the work tests; before shared. */
const SCORED_ROWS = 64 + 96;
const ROW_TOKENS = 128;
/** Bytes an element of the part in hand: exact sums of the fold, master, candidate, FP16 of both. See `exactSum.ts`, `foldRound.ts`. */
const FOLD_BYTES = 8 + 4 + 4 + 2 + 2;
/** A scorer for 7B: not measured; a card that does this many useful operations a second. */
const ASSUMED_SCORER = 2e14;
const LINK = 1e10 / 8;
/** Published updates that a submission is compared with, and at most so many of its entries. */
const UPDATES = 4;
const LOOKED_AT = 2 ** 18;

interface UnitCosts {
  readonly bytesPerEntry: number;
  readonly decodeNs: number;
  readonly foldNs: number;
  /** Of sketching a submission, per entry; of comparing it with one published update, per entry. */
  readonly sketchNs: number;
  readonly publishedNs: number;
  /** Of looking a sketch up, entering it, and comparing it with those named: per submission, and per named one. */
  readonly lookupNs: number;
  readonly namedNs: number;
  /** Share of honest pairs that the index names. */
  readonly namedShare: number;
  /** Operations a second of this machine's forward pass. */
  readonly forwardOps: number;
}

interface Scenario {
  readonly name: string;
  readonly parameters: number;
  readonly roundSeconds: number;
  readonly scorerOps: number;
}

export const scaleExperiment: Experiment = {
  id: 'scale',
  about:
    'load of each part from 10 to 100,000 miners, from unit costs measured on this machine; where the next limit is',
  arms: () => [],
  read: () => ({ table: [], assertions: [] }),
  async study(quick, say) {
    const costs = await measure(quick ? 1 : TRIES);
    for (const [name, value] of Object.entries(costs)) say(`${name} ${value.toPrecision(3)}`);
    const nano = parameterCount(presets.nano);
    const scenarios: Scenario[] = [
      { name: 'nano, rounds of 75 s', parameters: nano, roundSeconds: 75, scorerOps: costs.forwardOps },
      {
        name: '7b, rounds of 1 h',
        parameters: parameterCount(presets['7b']),
        roundSeconds: 3600,
        scorerOps: ASSUMED_SCORER,
      },
    ];
    const loads = scenarios.flatMap((scenario) => MINERS.map((miners) => loadOf(scenario, miners, costs)));
    return {
      table: [
        [
          'network',
          'miners',
          'uplink to server',
          'downlink from server',
          'decode, cores',
          'look for copies, cores',
          'fold, cores',
          'scorers needed',
          'fold memory',
          'fullest first',
        ],
        ...loads.map((load) => load.cells),
        ['unit costs', ...Object.entries(costs).map(([name, value]) => `${name} ${value.toPrecision(3)}`)],
      ],
      assertions: assertionsOn(loads),
    };
  },
};

interface Load {
  readonly scenario: Scenario;
  readonly miners: number;
  readonly foldBytes: number;
  readonly limit: string;
  readonly cells: string[];
}

function loadOf(scenario: Scenario, miners: number, costs: UnitCosts): Load {
  const { name, parameters, roundSeconds, scorerOps } = scenario;
  const entries = DENSITY * parameters;
  const cores = (ns: number): number => (ns * 1e-9) / roundSeconds;
  const uplink = (miners * entries * costs.bytesPerEntry) / roundSeconds;
  // A set-delta holds what at least one miner moved; a snapshot is never larger than two bytes an element.
  const touched = 1 - (1 - DENSITY) ** miners;
  const downlink = (miners * parameters * Math.min(2, 3 * touched)) / roundSeconds;
  const decode = cores(miners * entries * costs.decodeNs);
  const fold = cores(miners * entries * costs.foldNs);
  const looked = Math.min(entries, LOOKED_AT);
  const named = (costs.namedShare * (miners - 1)) / 2;
  const compare = cores(
    miners *
      (entries * costs.sketchNs +
        UPDATES * looked * costs.publishedNs +
        costs.lookupNs +
        named * costs.namedNs),
  );
  const scorers = (miners * SCORED_ROWS * ROW_TOKENS * 2 * parameters) / scorerOps / roundSeconds;
  // Fullness against what one server has: 16 cores, 10 Gbit/s; scorers are many machines, one for each ten miners.
  const fullness: [string, number][] = [
    ['downlink', downlink / LINK],
    ['uplink', uplink / LINK],
    ['looking for copies', compare], // one thread, in order
    ['decoding', decode / 16],
    ['folding', fold], // one thread, in order
    ['scorers', scorers / Math.max(1, miners / 10)],
  ];
  const [limit, worst] = fullness.sort((a, b) => b[1] - a[1])[0]!;
  const foldBytes = FOLD_BYTES * Math.min(parameters, PART_ELEMENTS);
  const cells = [
    name,
    String(miners),
    perSecond(uplink),
    perSecond(downlink),
    number(decode),
    number(compare),
    number(fold),
    number(scorers),
    `${(foldBytes / 1e9).toPrecision(2)} GB`,
    `${limit} (${worst < 0.01 ? '<1' : (100 * worst).toPrecision(2)}%)`,
  ];
  return { scenario, miners, foldBytes, limit: worst > 1 ? limit : 'none', cells };
}

function assertionsOn(loads: readonly Load[]): Assertion[] {
  return [...new Set(loads.map(({ scenario }) => scenario.name))].flatMap((name) => {
    const own = loads.filter(({ scenario }) => scenario.name === name);
    const full = own.find(({ limit }) => limit !== 'none');
    return [
      {
        claim: `${name}: 100 miners fit one server of 16 cores and 10 Gbit/s with a scorer for each ten`,
        holds: own.find(({ miners }) => miners === 100)!.limit === 'none',
        found: full ? `first full at ${full.miners} miners: ${full.limit}` : 'never full',
      },
      {
        claim: `${name}: memory of the fold does not grow with miners`,
        holds: new Set(own.map(({ foldBytes }) => foldBytes)).size === 1,
        found: `${(own[0]!.foldBytes / 1e9).toPrecision(2)} GB`,
      },
    ];
  });
}

/** Costs on a model of the lab's widths and a hundred thousand entries. */
async function measure(tries: number): Promise<UnitCosts> {
  const settings = labSettings();
  const layout = modelLayout(presets.nano);
  const random = seededRandom('scale');
  const dense = () => Float32Array.from({ length: layout.size }, () => 0.01 * random.normal());
  const options = { layout, density: DENSITY, selection: 'chunked' } as const;
  const delta = selectTopK(dense(), options);
  const format = { wire: 'binary_v3', valueBits: 2 } as const;
  const header = {
    taskId: toHex(new Uint8Array(16)),
    nonce: toHex(new Uint8Array(32)),
    stateRoot: toHex(new Uint8Array(32)),
    ...{ baseVersion: 0, innerSteps: 1, tokens: 1, meanTrainingLossNats: 1 },
  };
  const bytes = await encodeAnySubmission(header, delta, { layout, format });
  const limits = { layout, maxEntries: layout.size, maxInflatedBytes: 8 * layout.size };
  const count = entriesOf(delta);
  const flat = flattenDelta(delta, layout);
  const decode = await fastest(tries, () => decodeAnySubmission(bytes, limits));
  const sketch = await fastest(tries, () => sketchIndices(flat, 'scale'));
  const update = publishedUpdate(dense(), dense());
  const published = await fastest(tries, () => overlapWithUpdate(flat, update));
  const aggregator = new StreamingAggregator(layout);
  for (let i = 0; i < 3; i++) aggregator.add({ delta });
  const fold = await fastest(tries, () => aggregator.add({ delta }));
  const lab = await openLaboratory(settings);
  try {
    const rows = await lab.sample('validation', 64, 'scale');
    const weights = new Float32Array(lab.layout.size).fill(0.01);
    const seconds = await fastest(tries, () => lab.lossFunction.run(weights, rows));
    const tokens = 64 * settings.training.sequenceLength;
    return {
      bytesPerEntry: bytes.length / count,
      decodeNs: (1e9 * decode) / count,
      foldNs: (1e9 * fold) / count,
      sketchNs: (1e9 * sketch) / count,
      publishedNs: (1e9 * published) / count,
      ...measureIndex(),
      forwardOps: (2 * lab.layout.size * tokens) / seconds,
    };
  } finally {
    await lab.dispose();
  }
}

/** Honest submissions that share a quarter of their entries: what trained ones of ten miners share at this density. */
const INDEXED = 600;
const INDEXED_ENTRIES = 3_000;

function measureIndex(): Pick<UnitCosts, 'lookupNs' | 'namedNs' | 'namedShare'> {
  const random = seededRandom('scale/index');
  const sketches = Array.from({ length: INDEXED }, () => {
    const picked = new Set<number>();
    while (picked.size < INDEXED_ENTRIES / 2) picked.add(random.below(INDEXED_ENTRIES));
    while (picked.size < INDEXED_ENTRIES) picked.add(random.below(INDEXED_ENTRIES / DENSITY));
    const indices = Uint32Array.from(picked).sort();
    return sketchIndices({ indices, values: new Float32Array(indices.length) }, 'scale');
  });
  const index = new CopyIndex('scale');
  let named = 0;
  const startMs = spentMs();
  for (const [i, sketch] of sketches.entries()) {
    named += index.candidates(sketch).size;
    index.add(String(i), sketch);
  }
  const lookedMs = spentMs() - startMs;
  const comparedMs = spentMs();
  for (const [i, sketch] of sketches.entries()) mayBeCopies(sketch, sketches[(7 * i + 1) % INDEXED]!);
  return {
    lookupNs: (1e6 * lookedMs) / INDEXED,
    namedNs: (1e6 * (spentMs() - comparedMs)) / INDEXED,
    namedShare: named / ((INDEXED * (INDEXED - 1)) / 2),
  };
}

/** Processor seconds of the fastest of some tries. */
async function fastest(tries: number, work: () => unknown): Promise<number> {
  await work();
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < tries; i++) {
    const startMs = spentMs();
    await work();
    best = Math.min(best, (spentMs() - startMs) / 1000);
  }
  return best;
}

const entriesOf = ({ tensors }: SparseDelta): number =>
  tensors.reduce((sum, { values }) => sum + values.length, 0);
const number = (value: number): string => (value < 0.01 ? '<0.01' : value.toPrecision(2));
const perSecond = (bytes: number): string =>
  bytes >= 1e9 ? `${(bytes / 1e9).toPrecision(3)} GB/s` : `${(bytes / 1e6).toPrecision(3)} MB/s`;
