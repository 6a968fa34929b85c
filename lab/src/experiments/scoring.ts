/**
 * @file How well the server's tests tell good work from bad, over three seeds: errors of the gate, alone and with the work
 * tests behind it, early, midway and late; copies and lazy work against honest work over five rounds; what twenty rounds
 * of equal honest work earn.
 */
import { defaultSequentialTest } from '@alice/training';
import { gallery } from '../attacks/gallery.js';
import { LabNetwork } from '../network/LabNetwork.js';
import { type Laboratory, openLaboratory } from '../network/Laboratory.js';
import { type LabSettings, labSettings, labTraining } from '../network/settings.js';
import { honestCrew, mixedCrew } from './crew.js';
import type { Assertion, Experiment, Finding } from './Experiment.js';
import { type GateCell, type GateErrors, type GateRule, gateErrors } from './gateErrors.js';

const SEEDS = ['scoring', 'scoring-2', 'scoring-3'];
const CREW = 10;
const HOSTILE = 3;
const CHEATS = [
  'copy',
  'disguised-copy',
  'published-disguised',
  'wrong-shard',
  'lazy-quarter',
  'lazy-half',
  'thin-batches',
];
/** Rounds in which the gate is measured. */
const MOMENTS = [4, 14, 25];
/** The first rounds are the same for all and prove nothing: pay and cheats are looked at from here. */
const SETTLED = 6;

const live = defaultSequentialTest;
/** `LIVE` is the network's default; the others are what it was before, and what it could be. */
const LIVE = `not harmful and work shown, ${live.maxRows} rows`;
const RULES: readonly GateRule[] = [
  { name: 'gain shown, 128 rows', test: { ...live, maxRows: 128 }, asksWork: false },
  { name: 'gain shown, 256 rows', test: { ...live, maxRows: 256 }, asksWork: false },
  { name: 'gain shown, 1024 rows', test: { ...live, maxRows: 1024 }, asksWork: false },
  { name: 'not harmful and work shown, 32 rows', test: { ...live, maxRows: 32 }, asksWork: true },
  { name: 'not harmful and work shown, 64 rows', test: { ...live, maxRows: 64 }, asksWork: true },
  { name: LIVE, test: live, asksWork: true },
  { name: 'not harmful (z > -2) and work shown, 128 rows', test: { ...live, harmZ: 2 }, asksWork: true },
];

export const scoringExperiment: Experiment = {
  id: 'scoring',
  about:
    "the gate's errors and rows, honest against lazy over five rounds, equal work over twenty rounds; three seeds",
  arms: () => [],
  read: () => ({ table: [], assertions: [] }),
  async study(quick, say) {
    const runs: SeedResult[] = [];
    for (const seed of quick ? SEEDS.slice(0, 1) : SEEDS)
      runs.push(await studySeed(seed, { quick, say: (line) => say(`${seed}: ${line}`) }));
    return findingOf(runs);
  },
};

interface SeedResult {
  readonly gate: readonly (GateErrors & { readonly round: number })[];
  readonly told: readonly (readonly [cheat: string, areaUnderCurve: number])[];
  /** What each device earned over the rounds, over the mean. */
  readonly wages: readonly number[];
}

async function studySeed(
  seed: string,
  { quick, say }: { quick: boolean; say: (line: string) => void },
): Promise<SeedResult> {
  const settings = labSettings({ seed, training: { ...labTraining, innerSteps: 4 } });
  const lab = await openLaboratory(settings);
  try {
    const crew = honestCrew(CREW);
    const network = new LabNetwork(lab, settings, crew);
    const moments = quick ? MOMENTS.slice(0, 2) : MOMENTS;
    const earned = new Map<string, number>();
    const gate: (GateErrors & { round: number })[] = [];
    let settled: ReturnType<LabNetwork['exportState']> | undefined;
    for (let round = 0; round <= moments.at(-1)!; round++) {
      if (moments.includes(round)) {
        const errors = await gateErrors({ lab, settings, network, crew, name: `round ${round}` }, RULES);
        gate.push({ ...errors, round });
        say(`gate measured in round ${round}, ${errors.helpful} of ${CREW} help`);
      }
      if (round === SETTLED) settled = network.exportState();
      const { submissions } = await network.runRound();
      if (round < SETTLED) continue;
      for (const { participant, paidNats } of submissions)
        earned.set(participant.id, (earned.get(participant.id) ?? 0) + paidNats);
    }
    const told: (readonly [string, number])[] = [];
    for (const name of quick ? CHEATS.slice(0, 2) : CHEATS)
      told.push([name, await areaUnderCurve(lab, settings, { name, from: settled! })]);
    say(told.map(([name, auc]) => `${name} ${auc.toFixed(3)}`).join(', '));
    const mean = [...earned.values()].reduce((sum, wage) => sum + wage, 0) / earned.size;
    return { gate, told, wages: [...earned.values()].map((wage) => wage / mean) };
  } finally {
    await lab.dispose();
  }
}

/** Chance that a random honest device showed more work over five rounds than a random cheat; refused counts as none. */
async function areaUnderCurve(
  lab: Laboratory,
  settings: LabSettings,
  { name, from }: { name: string; from: ReturnType<LabNetwork['exportState']> },
): Promise<number> {
  const behaviour = gallery.find((attack) => attack.name === name)!;
  const network = new LabNetwork(lab, settings, mixedCrew(CREW - HOSTILE, HOSTILE, behaviour), from);
  const shown = new Map<string, { isHonest: boolean; covered: number }>();
  for (let round = 0; round < 5; round++)
    for (const { participant, covered } of (await network.runRound()).submissions) {
      const entry = shown.get(participant.id) ?? { isHonest: participant.behaviour.isHonest, covered: 0 };
      entry.covered += covered ?? 0;
      shown.set(participant.id, entry);
    }
  const all = [...shown.values()];
  let wins = 0;
  let pairs = 0;
  for (const good of all.filter(({ isHonest }) => isHonest))
    for (const bad of all.filter(({ isHonest }) => !isHonest)) {
      pairs++;
      wins += good.covered > bad.covered ? 1 : good.covered === bad.covered ? 0.5 : 0;
    }
  return pairs === 0 ? 1 : wins / pairs;
}

const percent = (share: number): string => `${(100 * share).toFixed(1)}%`;
const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);

function findingOf(runs: readonly SeedResult[]): Finding {
  const rounds = runs[0]!.gate.map(({ round }) => round);
  const cellsOf = (round: number, rule: string): GateCell[] =>
    runs.map(({ gate }) => gate.find((found) => found.round === round)!.cells.find((c) => c.rule === rule)!);
  const over = (round: number, rule: string, of: (cell: GateCell) => number): number =>
    mean(cellsOf(round, rule).map(of));
  const gateLines = rounds.flatMap((round) =>
    RULES.map(({ name }) => [
      `round ${round}: ${name}`,
      percent(over(round, name, (cell) => cell.helpfulRefused)),
      percent(over(round, name, (cell) => cell.noisePast)),
      percent(over(round, name, (cell) => cell.noiseAccepted)),
      over(round, name, (cell) => cell.helpfulRows).toFixed(0),
      over(round, name, (cell) => cell.noiseRows).toFixed(0),
      '',
    ]),
  );
  const blank = ['', '', '', '', ''];
  const cheats = runs[0]!.told.map(([name]) => name);
  const leastAuc = (name: string): number =>
    Math.min(...runs.map(({ told }) => told.find(([cheat]) => cheat === name)![1]));
  return {
    table: [
      [
        'what',
        'helpful refused',
        'noise past the gate',
        'noise accepted',
        'rows, helpful',
        'rows, noise',
        'AUC',
      ],
      ...gateLines,
      ...cheats.map((name) => [name, ...blank, leastAuc(name).toFixed(3)]),
      ...runs.map(({ wages }, i) => [
        `equal work, seed ${i + 1}: ${percent(Math.min(...wages))} to ${percent(Math.max(...wages))} of the mean pay`,
        ...blank,
        '',
      ]),
      ...rounds.map((round) => [momentOf(runs, round), ...blank, '']),
    ],
    assertions: assertionsOf(runs, { rounds, over, leastAuc: Math.min(...cheats.map(leastAuc)) }),
  };
}

function momentOf(runs: readonly SeedResult[], round: number): string {
  const found = runs.map(({ gate }) => gate.find((errors) => errors.round === round)!);
  const helpful = found.map(({ helpful: count }) => count).join(', ');
  const perRow = (of: (errors: GateErrors) => number): string => mean(found.map(of)).toFixed(3);
  return (
    `round ${round}: ${helpful} of ${CREW} honest deltas help; gain over spread of a row: ` +
    `helpful ${perRow((errors) => errors.helpfulPerRow)}, noise ${perRow((errors) => errors.noisePerRow)}`
  );
}

interface Summary {
  readonly rounds: readonly number[];
  readonly over: (round: number, rule: string, of: (cell: GateCell) => number) => number;
  readonly leastAuc: number;
}

function assertionsOf(runs: readonly SeedResult[], { rounds, over, leastAuc }: Summary): Assertion[] {
  const worst = (of: (cell: GateCell) => number): number =>
    Math.max(...rounds.map((round) => over(round, LIVE, of)));
  const [refused, noise] = [worst((cell) => cell.helpfulRefused), worst((cell) => cell.noiseAccepted)];
  const wages = runs.flatMap((run) => run.wages);
  const [least, most] = [Math.min(...wages) - 1, Math.max(...wages) - 1];
  return [
    {
      claim: `by the live rule (${LIVE}) at least 99% of helpful honest deltas are accepted at every moment`,
      holds: refused <= 0.01,
      found: `${percent(1 - refused)} at worst`,
    },
    {
      claim: 'by the live rule noise of equal norm is accepted in less than 1% of tests at every moment',
      holds: noise < 0.01,
      found: percent(noise),
    },
    {
      claim: 'copies and lazy work are told from honest work over five rounds at AUC 0.99 or more, each seed',
      holds: leastAuc >= 0.99,
      found: leastAuc.toFixed(3),
    },
    {
      claim: 'equal honest work earns within 20% of the mean over twenty rounds, each seed',
      holds: least >= -0.2 && most <= 0.2,
      found: `${percent(least)} to +${percent(most)}`,
    },
  ];
}
