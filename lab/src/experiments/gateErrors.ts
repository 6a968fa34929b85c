/**
 * @file How often the live gate refuses honest deltas that help and lets noise of their norm through, at one moment of a
 * run: every delta is measured once on many held-out rows and probed once for work; sequential tests are drawn from that.
 */
import { fromHalves, type SparseDelta, seededRandom } from '@alice/protocol';
import {
  coveredShares,
  type FlatDelta,
  flattenDelta,
  pairedScore,
  pairedStatistics,
  publishHalves,
  type RowGaps,
  type SequentialTest,
  sequentialDecision,
  vouchedTokens,
} from '@alice/training';
import { disguised, noiseLike } from '../attacks/deltas.js';
import { LabNetwork } from '../network/LabNetwork.js';
import type { Laboratory } from '../network/Laboratory.js';
import type { LabSubmission } from '../network/records.js';
import type { LabSettings } from '../network/settings.js';
import type { honestCrew } from './crew.js';

/** Rows every delta is measured on; one that gains by three standard errors on them truly helps. */
const POOL = 1024;
const HELPS_Z = 3;
const DRAWS = 2000;

export interface GateRule {
  readonly name: string;
  readonly test: SequentialTest;
  /** Whether what the gate leaves undecided may pass on its work; else it is refused. */
  readonly asksWork: boolean;
}

export interface GateCell {
  readonly rule: string;
  /** Of tests on honest deltas that help: refused by the gate or the work tests. */
  readonly helpfulRefused: number;
  /** Of tests on noise: not refused by the gate; accepted in the end. */
  readonly noisePast: number;
  readonly noiseAccepted: number;
  /** Held-out rows a test on helpful work and on noise took, mean. */
  readonly helpfulRows: number;
  readonly noiseRows: number;
}

interface Moment {
  readonly lab: Laboratory;
  readonly settings: LabSettings;
  readonly network: LabNetwork;
  readonly crew: ReturnType<typeof honestCrew>;
  readonly name: string;
}

/** A delta as all tests see it. */
interface Measured {
  readonly gains: Float64Array;
  readonly covered: number | undefined;
}

export interface GateErrors {
  readonly cells: readonly GateCell[];
  /** Honest deltas that truly help, of all. */
  readonly helpful: number;
  /** Mean gain over standard deviation of a row: of helpful work and of noise. */
  readonly helpfulPerRow: number;
  readonly noisePerRow: number;
}

export async function gateErrors(moment: Moment, rules: readonly GateRule[]): Promise<GateErrors> {
  const { honest, noise } = await measured(moment);
  const helpful = honest.filter(({ gains }) => statisticsOf(gains).z > HELPS_Z);
  const batch = moment.settings.training.scoringRows;
  const cells = rules.map((rule): GateCell => {
    const seed = `${moment.name}/${rule.name}`;
    const good = draw(helpful, { rule, batch, seed });
    const bad = draw(noise, { rule, batch, seed });
    return {
      rule: rule.name,
      helpfulRefused: 1 - good.accepted,
      noisePast: bad.past,
      noiseAccepted: bad.accepted,
      helpfulRows: good.rows,
      noiseRows: bad.rows,
    };
  });
  return {
    cells,
    helpful: helpful.length,
    helpfulPerRow: perRow(helpful),
    noisePerRow: perRow(noise),
  };
}

/** The next round's honest deltas, and noise of their norms on places of its own. */
async function measured({ lab, settings, network, crew, name }: Moment) {
  const from = network.exportState();
  const next = new LabNetwork(lab, { ...settings, policy: 'gate' }, crew, from);
  const parameters = fromHalves(publishHalves(from.master));
  const { submissions, round } = await next.runRound();
  const random = seededRandom(`scoring/noise/${settings.seed}/${name}`);
  const noiseOf = ({ contribution }: LabSubmission): SparseDelta =>
    disguised(noiseLike(contribution.delta, random), { layout: lab.layout, random, moved: 1 });
  const rows = await lab.sample('validation', POOL, `scoring/${settings.seed}/${name}`);
  const before = await lab.lossFunction.run(parameters, rows);
  const { stepFraction, work, innerSteps: steps } = settings.training;
  const gainsOf = async (delta: FlatDelta): Promise<Float64Array> => {
    const { after } = await pairedScore({
      ...{ lossFunction: lab.lossFunction, parameters, delta, stepFraction, rows },
      lossesBefore: before,
    });
    return before.map((loss, i) => loss - after[i]!);
  };
  const gapsOf = (flat: FlatDelta, { rows, participant }: LabSubmission): Promise<RowGaps> =>
    next.examiner.probe({ flat, rows, steps, id: participant.id }, { round, parameters, published: [] });
  const honestFlat = submissions.map(({ contribution }) => flattenDelta(contribution.delta, lab.layout));
  const noiseFlat = submissions.map((submission) => flattenDelta(noiseOf(submission), lab.layout));
  const honestGaps: RowGaps[] = [];
  for (const [i, flat] of honestFlat.entries()) honestGaps.push(await gapsOf(flat, submissions[i]!));
  const covered = coveredShares(honestGaps, work);
  const honest: Measured[] = [];
  const noise: Measured[] = [];
  for (const [i, submission] of submissions.entries()) {
    honest.push({ gains: await gainsOf(honestFlat[i]!), covered: covered[i] });
    const gaps = await gapsOf(noiseFlat[i]!, submission);
    const among = coveredShares([...honestGaps, gaps], work); // one noisy submission in a round of honest ones
    noise.push({ gains: await gainsOf(noiseFlat[i]!), covered: among.at(-1) });
  }
  return { honest, noise };
}

function statisticsOf(gains: Float64Array) {
  return pairedStatistics(gains, new Float64Array(gains.length));
}

function perRow(deltas: readonly Measured[]): number {
  const all = deltas.map(({ gains }) => statisticsOf(gains).z / Math.sqrt(gains.length));
  return all.reduce((sum, x) => sum + x, 0) / Math.max(1, all.length);
}

/** Shares of drawn sequential tests that the gate does not refuse and that are accepted; the mean rows they took. */
function draw(
  deltas: readonly Measured[],
  { rule, batch, seed }: { rule: GateRule; batch: number; seed: string },
): { past: number; accepted: number; rows: number } {
  const random = seededRandom(`scoring/draw/${seed}`);
  let [past, accepted, rows] = [0, 0, 0];
  for (let i = 0; i < DRAWS && deltas.length > 0; i++) {
    const { gains, covered } = deltas[i % deltas.length]!;
    const seen: number[] = [];
    for (;;) {
      for (let row = 0; row < batch; row++) seen.push(gains[random.below(gains.length)]!);
      const { verdict } = sequentialDecision(statisticsOf(Float64Array.from(seen)), rule.test);
      if (verdict === 'continue') continue;
      const isPast = verdict === 'accept' || (verdict === 'undecided' && rule.asksWork);
      const showsWork = vouchedTokens(1, covered) > 0;
      past += Number(isPast);
      accepted += Number(isPast && showsWork && (verdict === 'accept' || covered !== undefined));
      break;
    }
    rows += seen.length;
  }
  return { past: past / DRAWS, accepted: accepted / DRAWS, rows: rows / DRAWS };
}
