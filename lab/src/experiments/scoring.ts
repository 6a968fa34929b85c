/**
 * @file How well the server's tests tell good work from bad: the gate's errors against the tokens it spends, copies and lazy
 * work against honest work over five rounds, and what twenty rounds of equal honest work earn.
 */
import { fromHalves, type SparseDelta, seededRandom } from '@alice/protocol';
import {
  flattenDelta,
  pairedScore,
  pairedStatistics,
  publishHalves,
  type SequentialTest,
  sequentialDecision,
} from '@alice/training';
import { disguised, noiseLike } from '../attacks/deltas.js';
import { gallery } from '../attacks/gallery.js';
import { LabNetwork } from '../network/LabNetwork.js';
import { type Laboratory, openLaboratory } from '../network/Laboratory.js';
import { type LabSettings, labSettings, labTraining } from '../network/settings.js';
import { honestCrew, mixedCrew } from './crew.js';
import type { Assertion, Experiment } from './Experiment.js';

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
const BUDGETS = [32, 64, 128, 256];
/** Rows every delta is measured on once; tests are drawn from them. */
const POOL = 512;
const DRAWS = 400;

export const scoringExperiment: Experiment = {
  id: 'scoring',
  about:
    "the gate's errors against tokens, honest against lazy over five rounds, equal work over twenty rounds",
  arms: () => [],
  read: () => ({ table: [], assertions: [] }),
  async study(quick, say) {
    const settings = labSettings({ seed: 'scoring', training: { ...labTraining, innerSteps: 4 } });
    const lab = await openLaboratory(settings);
    try {
      const rounds = quick ? 6 : 20;
      const network = new LabNetwork(lab, settings, honestCrew(CREW));
      const earned = new Map<string, number>();
      const gate: GateCell[] = [];
      let early: ReturnType<LabNetwork['exportState']> | undefined;
      for (let round = 0; round < 6 + rounds; round++) {
        if (round === 4 || round === 5 + rounds) {
          gate.push(...(await gateErrors(lab, settings, { network, stage: round === 4 ? 'early' : 'late' })));
          say(`gate measured in round ${round}`);
        }
        if (round === 6) early = network.exportState();
        const { submissions } = await network.runRound();
        if (round < 6) continue; // the first rounds are the same for all and prove nothing
        for (const { participant, paidNats } of submissions)
          earned.set(participant.id, (earned.get(participant.id) ?? 0) + paidNats);
      }
      say(`${rounds} rounds of equal work paid`);
      const told: (readonly [string, number])[] = [];
      for (const name of quick ? CHEATS.slice(0, 2) : CHEATS) {
        told.push([name, await areaUnderCurve(lab, settings, { name, from: early! })]);
        say(`${name}: AUC ${told.at(-1)![1].toFixed(3)}`);
      }
      return findingOf({ gate, told, wages: [...earned.values()], rounds });
    } finally {
      await lab.dispose();
    }
  },
};

interface GateCell {
  readonly stage: string;
  readonly budget: number;
  /** Shares of drawn tests. */
  readonly falseRefusal: number;
  readonly falseAcceptance: number;
  readonly rows: number;
}

/** Tests drawn from measured rows: of honest deltas that help, and of noise with their norms on places of its own. */
async function gateErrors(
  lab: Laboratory,
  settings: LabSettings,
  { network, stage }: { network: LabNetwork; stage: string },
): Promise<GateCell[]> {
  const from = network.exportState();
  const probe = new LabNetwork(lab, { ...settings, policy: 'gate' }, honestCrew(CREW), from);
  const parameters = fromHalves(publishHalves(from.master));
  const deltas = (await probe.runRound()).submissions.map(({ contribution }) => contribution.delta);
  const rows = await lab.sample('validation', POOL, `scoring/${stage}`);
  const before = await lab.lossFunction.run(parameters, rows);
  const gainsOf = async (delta: SparseDelta): Promise<Float64Array> => {
    const flat = flattenDelta(delta, lab.layout);
    const { stepFraction } = settings.training;
    const { after } = await pairedScore({
      ...{ lossFunction: lab.lossFunction, parameters, delta: flat, stepFraction, rows },
      lossesBefore: before,
    });
    return before.map((loss, i) => loss - after[i]!);
  };
  const random = seededRandom(`scoring/noise/${stage}`);
  const honest: Float64Array[] = [];
  const noise: Float64Array[] = [];
  for (const delta of deltas) {
    const gains = await gainsOf(delta);
    if (pairedStatistics(gains, new Float64Array(POOL)).z > 3) honest.push(gains); // it truly helps
    noise.push(await gainsOf(disguised(noiseLike(delta, random), { layout: lab.layout, random, moved: 1 })));
  }
  return BUDGETS.map((budget) => {
    const test = { ...settings.training.gate, maxRows: budget };
    const batch = settings.training.scoringRows;
    const of = (pools: readonly Float64Array[]) => draw(pools, { test, batch, seed: `${stage}/${budget}` });
    const [good, bad] = [of(honest), of(noise)];
    return { stage, budget, falseRefusal: 1 - good.accepted, falseAcceptance: bad.accepted, rows: good.rows };
  });
}

/** Share of drawn sequential tests that accept, and the mean rows they took. */
function draw(
  pools: readonly Float64Array[],
  { test, batch, seed }: { test: SequentialTest; batch: number; seed: string },
): { accepted: number; rows: number } {
  const random = seededRandom(`scoring/draw/${seed}`);
  let accepted = 0;
  let rows = 0;
  for (let i = 0; i < DRAWS; i++) {
    const pool = pools[i % pools.length]!;
    const seen: number[] = [];
    for (;;) {
      for (let row = 0; row < batch; row++) seen.push(pool[random.below(pool.length)]!);
      const decision = sequentialDecision(
        pairedStatistics(Float64Array.from(seen), new Float64Array(seen.length)),
        test,
      );
      if (decision.verdict === 'continue') continue;
      accepted += Number(decision.verdict === 'accept');
      break;
    }
    rows += seen.length;
  }
  return { accepted: accepted / DRAWS, rows: rows / DRAWS };
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

function findingOf({
  gate,
  told,
  wages,
  rounds,
}: {
  gate: readonly GateCell[];
  told: readonly (readonly [string, number])[];
  wages: readonly number[];
  rounds: number;
}) {
  const mean = wages.reduce((sum, wage) => sum + wage, 0) / wages.length;
  const [least, most] = [Math.min(...wages) / mean - 1, Math.max(...wages) / mean - 1];
  const percent = (share: number): string => `${(100 * share).toFixed(1)}%`;
  const worst = (of: (cell: GateCell) => number): number =>
    Math.max(...gate.filter(({ budget }) => budget === 128).map(of));
  const least_auc = Math.min(...told.map(([, auc]) => auc));
  const assertions: Assertion[] = [
    {
      claim: 'at the default budget of 128 rows at least 99% of helpful honest deltas are accepted',
      holds: worst((cell) => cell.falseRefusal) <= 0.01,
      found: `${percent(1 - worst((cell) => cell.falseRefusal))} at worst`,
    },
    {
      claim: 'noise of equal norm is accepted in less than 1% of tests',
      holds: worst((cell) => cell.falseAcceptance) < 0.01,
      found: percent(worst((cell) => cell.falseAcceptance)),
    },
    {
      claim: 'copies and lazy work are told from honest work over five rounds at AUC 0.99 or more',
      holds: least_auc >= 0.99,
      found: least_auc.toFixed(3),
    },
    {
      claim: `equal honest work earns within 20% of the mean over ${rounds} rounds`,
      holds: least >= -0.2 && most <= 0.2,
      found: `${percent(least)} to +${percent(most)}`,
    },
  ];
  return {
    table: [
      ['what', 'rows at most', 'helpful refused', 'noise accepted', 'rows used', 'AUC'],
      ...gate.map(({ stage, budget, falseRefusal, falseAcceptance, rows }) => [
        `gate, ${stage}`,
        String(budget),
        percent(falseRefusal),
        percent(falseAcceptance),
        rows.toFixed(0),
        '',
      ]),
      ...told.map(([name, auc]) => [name, '', '', '', '', auc.toFixed(3)]),
      ...wages.map((wage, i) => [
        `honest device ${i}: ${percent(wage / mean)} of the mean pay`,
        '',
        '',
        '',
        '',
        '',
      ]),
    ],
    assertions,
  };
}
