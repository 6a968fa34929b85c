/**
 * @file Times every call on its scenario. Each round runs on a fresh overlay over the same state; the median counts.
 * What is written is what was measured, rounded up: the two seconds that a block may take are far less than the time
 * between blocks, which is room for slower machines and disks. The clock is an argument: the runtime reads none.
 */
import { type HexString, toHex } from '@alice/protocol';
import { BlockContext } from '../executive/BlockContext.js';
import { buildGenesis } from '../executive/buildGenesis.js';
import type { StateView } from '../interface.js';
import { removePayouts } from '../pallets/proofOfGradient/history.js';
import { MAX_PAGE_ENTRIES } from '../pallets/proofOfGradient/limits.js';
import { payNextPages } from '../pallets/proofOfGradient/paging.js';
import { epochArchive } from '../pallets/proofOfGradient/storage.js';
import { SCENARIOS, type Scenario, scenarioGenesis } from './scenarios.js';
import { WEIGHTS } from './weights.js';

const PICOSECONDS_PER_NANOSECOND = 1_000n;
/** Weights are multiples of this many picoseconds, so that noise does not look like knowledge. */
const STEP = 1_000_000n;
/**
 * What a call takes in the worst state, where the scenario's state is not the worst: a full list of candidates, a set
 * of a hundred validators, as many delegates or pages as there may be. The larger of this and the measured is written.
 */
const FLOORS: Readonly<Partial<Record<keyof typeof WEIGHTS, readonly [bigint, bigint]>>> = {
  'Staking.validate': [300_000_000n, 0n],
  'Staking.chill': [300_000_000n, 0n],
  'Staking.report_evidence': [0n, 400_000_000n],
  'Session.note_absent': [0n, 20_000_000n],
  'ProofOfGradient.abort_epoch': [2_000_000_000n, 0n],
  'Proxy.proxy': [30_000_000n, 0n],
  'Proxy.remove_proxies': [150_000_000n, 0n],
};
const SIZES: readonly [number, number] = [4, 400];

export interface MeasuredWeight {
  readonly name: keyof typeof WEIGHTS;
  readonly base: bigint;
  readonly item: bigint;
}

/** `clock` gives nanoseconds. Needs `initCrypto()`. Cost: seconds. */
export function measureWeights(clock: () => bigint, rounds = 31): MeasuredWeight[] {
  const genesis = new Map<HexString, Uint8Array>();
  for (const [key, value] of buildGenesis(scenarioGenesis())) if (value) genesis.set(key, value);
  const state: StateView = { get: (key) => genesis.get(toHex(key)) };
  const median = (scenario: Scenario, finish?: (context: BlockContext) => void): bigint => {
    const times: bigint[] = [];
    for (let round = 0; round < rounds; round++) times.push(timeOnce(state, scenario, { clock, finish }));
    times.sort((a, b) => (a < b ? -1 : 1));
    return times[times.length >> 1]!;
  };
  const calls = (Object.keys(SCENARIOS) as (keyof typeof SCENARIOS)[]).map((name) => {
    const isSized = WEIGHTS[name][1] > 0n;
    if (!isSized) return { name, base: weightOf(median(SCENARIOS[name](1))), item: 0n };
    const [few, many] = SIZES;
    const low = median(SCENARIOS[name](few));
    const high = median(SCENARIOS[name](many));
    const each = high > low ? (high - low) / BigInt(many - few) : 0n;
    return { name, base: weightOf(low), item: weightOf(each) };
  });
  const paid = median(payingScenario(), (context) => payNextPages(context));
  const forgotten = median(SCENARIOS['ProofOfGradient.submit_epoch'](MAX_PAGE_ENTRIES), ({ state }) =>
    removePayouts(state, epochArchive.get(state)),
  );
  const all: MeasuredWeight[] = [
    ...calls,
    { name: 'ProofOfGradient.forget', base: 0n, item: weightOf(forgotten / BigInt(MAX_PAGE_ENTRIES)) },
    { name: 'ProofOfGradient.pay', base: 0n, item: weightOf(paid / BigInt(MAX_PAGE_ENTRIES)) },
  ];
  return all.map(withFloor);
}

function withFloor({ name, base, item }: MeasuredWeight): MeasuredWeight {
  const [leastBase, leastItem] = FLOORS[name] ?? [0n, 0n];
  return { name, base: base > leastBase ? base : leastBase, item: item > leastItem ? item : leastItem };
}

/** The text of `weights.ts`. */
export function weightsFile(weights: readonly MeasuredWeight[]): string {
  const number = (value: bigint): string => `${value.toString().replace(/\B(?=(\d{3})+(?!\d))/g, '_')}n`;
  const lines = [...weights]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, base, item }) => `  '${name}': [${number(base)}, ${number(item)}],`);
  return `/**
 * @file Execution time of every call in picoseconds: [of the call, of each of its items]. Written by
 * \`npm run bench -- weights --write\`; do not edit. Consensus: a change is a new SPEC_VERSION.
 */
export const WEIGHTS = {
${lines.join('\n')}
} as const satisfies Readonly<Record<string, readonly [bigint, bigint]>>;
`;
}

/** A finished report with one full page, which the block's end pays. */
function payingScenario(): Scenario {
  const { before = [], timed } = SCENARIOS['ProofOfGradient.submit_scores'](MAX_PAGE_ENTRIES);
  return { before: [...before, timed], timed: SCENARIOS['ProofOfGradient.finish_epoch'](1).timed };
}

function timeOnce(
  state: StateView,
  { before = [], timed }: Scenario,
  { clock, finish }: { clock: () => bigint; finish: ((context: BlockContext) => void) | undefined },
): bigint {
  const context = new BlockContext(state, 1);
  for (const step of before) apply(context, step);
  if (finish) apply(context, timed);
  const start = clock();
  if (finish) finish(context);
  else apply(context, timed);
  return clock() - start;
}

function apply(context: BlockContext, { origin, call }: Scenario['timed']): void {
  const error = context.dispatch(origin, call);
  if (error) throw new Error(`cannot happen: ${call.type}.${call.value.type} fails with ${error.name}`);
}

function weightOf(nanoseconds: bigint): bigint {
  const picoseconds = nanoseconds * PICOSECONDS_PER_NANOSECOND;
  return ((picoseconds + STEP - 1n) / STEP) * STEP;
}
