/**
 * @file Dense data-parallel AdamW, the whitepaper's literal scheme and ours over ten million tokens: same rows, tokens and
 * seeds; held-out loss against tokens and uplink bytes, and the gap to dense as tokens grow.
 * All is accepted in ours: with honest miners alone a gate decides nothing, and tokens are equal to the last one.
 */
import { resolveModel } from '@alice/model';
import { defaultTrainingSettings, type TrainingSettings, whitepaperSettings } from '@alice/training';
import { type LabSettings, labModel, labSettings } from '../network/settings.js';
import { honestCrew } from './crew.js';
import type { Arm, Assertion, Experiment, Line, Plot, RoundRow } from './Experiment.js';

const MINERS = 4;
const SEEDS = ['1', '2', '3'];
const TOKENS = 10_000_000;
const QUICK_TOKENS = 400_000;
/** Points of a curve. */
const POINTS = 51;

/** Half the width of the other experiments, twice their context: ten million tokens three times in an hour on one core. */
const model = resolveModel('nano', {
  layers: 2,
  width: 32,
  heads: 2,
  kvHeads: 1,
  ffn: 96,
  context: defaultTrainingSettings.sequenceLength,
  vocab: labModel.vocab,
});

const LITERAL = 'whitepaper';
type Scheme = Pick<Arm, 'scheme'> & Partial<LabSettings> & { readonly training: TrainingSettings };

const common = defaultTrainingSettings;
const roundTokens = MINERS * common.innerSteps * common.rowsPerStep * common.sequenceLength;
/** Half a cosine to a tenth over the whole run, for each at the peak that was best for it in short runs. */
const schedule = (peak: number, tokens: number): TrainingSettings['schedule'] => ({
  peak,
  warmupSteps: 24,
  constantSteps: 0,
  decay: 'cosine',
  decaySteps: Math.ceil(tokens / roundTokens) * common.innerSteps,
  floor: 0.1,
});

function schemes(tokens: number): Readonly<Record<string, Scheme>> {
  const ours = { ...common, schedule: schedule(PEAK.ours, tokens) };
  return {
    'dense AdamW': { scheme: 'dense', training: { ...common, schedule: schedule(PEAK.dense, tokens) } },
    'ours 6% H16': { policy: 'none', training: ours },
    'ours 3% H16': { policy: 'none', training: { ...ours, density: 0.03 } },
    'ours 6% H4': { policy: 'none', training: { ...ours, innerSteps: 4 } },
    'ours 12% H4': { policy: 'none', training: { ...ours, innerSteps: 4, density: 0.12 } },
    'ours 20% H4': { policy: 'none', training: { ...ours, innerSteps: 4, density: 0.2 } },
    [LITERAL]: { policy: 'score', training: whitepaperSettings(common) },
  };
}
/** Of 6e-3, 1.2e-2, 2.4e-2 for dense and 6e-3, 1e-2, 2e-2 for ours, one million tokens each. */
const PEAK = { dense: 1.2e-2, ours: 2e-2 };

/** Within this of dense at equal tokens, with at least so many times fewer bytes. */
const GOALS: readonly { scheme: string; gap: number; fewerBytes: number }[] = [
  { scheme: 'ours 6% H16', gap: 0.05, fewerBytes: 1000 },
  { scheme: 'ours 20% H4', gap: 0.02, fewerBytes: 100 },
];

export const convergenceExperiment: Experiment = {
  id: 'convergence',
  about:
    'held-out loss of dense AdamW, the literal whitepaper scheme and ours, 4 miners, ten million tokens, against tokens and uplink bytes',
  arms(quick) {
    const tokens = quick ? QUICK_TOKENS : TOKENS;
    const seeds = quick ? SEEDS.slice(0, 1) : SEEDS;
    const all = Object.entries(schemes(tokens));
    const arms = (of: typeof all): Arm[] =>
      seeds.flatMap((seed) => of.map(([name, scheme]) => armOf(`${name}/${seed}`, { seed, scheme, tokens })));
    const isLiteral = ([name]: (typeof all)[number]): boolean => name === LITERAL;
    // Last, so that who stops early has what matters most.
    return [...arms(all.filter((one) => !isLiteral(one))), ...arms(all.filter(isLiteral))];
  },
  read(rows) {
    const curves = curvesOf(rows);
    const names = [...curves.keys()];
    const dense = curves.get('dense AdamW')!;
    const lines = names.map((name) => summaryOf(name, { curve: curves.get(name)!, dense }));
    /** Work done, not work accepted: a refused round has spent its tokens. */
    const spent = (_: RoundRow, point: number): number => dense[0]![point]!.tokens;
    const linesBy = (x: (row: RoundRow, point: number) => number): Line[] =>
      names.map((name) => lineOf(name, curves.get(name)!, x));
    const gaps = names
      .filter((name) => name.startsWith('ours'))
      .map((name) => ({
        label: name,
        points: dense[0]!.map(
          ({ tokens }, point) => [tokens, 100 * mean(gapsAt(curves.get(name)!, dense, point))] as const,
        ),
      }));
    return {
      table: [
        [
          'scheme',
          'loss per seed',
          'above dense',
          'gap per seed',
          'accepted tokens',
          'uplink',
          'fewer bytes',
        ],
        ...lines.map(({ cells }) => cells),
      ],
      assertions: GOALS.flatMap((goal) => assertionsOf(goal, lines)),
      plot: plotOf('Held-out loss against uplink bytes of all miners', {
        x: 'uplink bytes',
        y: 'nats',
        lines: linesBy((row) => row.uplinkBytes),
      }),
      plots: {
        tokens: plotOf('Held-out loss against trained tokens', {
          x: 'tokens',
          y: 'nats',
          lines: linesBy(spent),
        }),
        gap: plotOf('Loss above dense AdamW at equal tokens', { x: 'tokens', y: '%', lines: gaps }),
      },
    };
  },
};

function assertionsOf(
  { scheme, gap, fewerBytes }: (typeof GOALS)[number],
  lines: readonly ReturnType<typeof summaryOf>[],
): Assertion[] {
  const found = lines.find(({ name }) => name === scheme);
  if (!found) return [];
  return [
    {
      claim: `${scheme} is within ${100 * gap}% of dense AdamW at equal tokens with at least ${fewerBytes}× fewer bytes`,
      holds: found.gap <= gap && found.fewerBytes >= fewerBytes,
      found: `${percent(found.gap)} with ${found.fewerBytes.toFixed(0)}×`,
    },
  ];
}

function armOf(id: string, { seed, scheme, tokens }: { seed: string; scheme: Scheme; tokens: number }): Arm {
  const { scheme: kind = 'protocol', ...own } = scheme;
  const steps = own.training.rowsPerStep * own.training.innerSteps;
  const rounds = Math.ceil(tokens / (MINERS * steps * own.training.sequenceLength));
  const reportEvery = Math.max(1, Math.ceil(rounds / POINTS));
  return {
    id,
    scheme: kind,
    settings: labSettings({
      ...own,
      wire: own.training.wire,
      model,
      reportEvery,
      reportRows: 128,
      seed: `convergence-${seed}`,
    }),
    participants: honestCrew(MINERS),
    rounds: reportEvery * Math.ceil(rounds / reportEvery),
  };
}

/** A scheme's rows, seed by seed: as many points each, at the same work done. */
type Curve = readonly (readonly RoundRow[])[];

/** Without the arms that are still running, and the seeds whose dense arm is. */
function curvesOf(rows: readonly RoundRow[]): ReadonlyMap<string, Curve> {
  const arms = new Map<string, RoundRow[]>();
  for (const row of rows) arms.set(row.arm, [...(arms.get(row.arm) ?? []), row]);
  const points = Math.max(...[...arms.values()].map((own) => own.length));
  const done = (name: string, seed: string): RoundRow[] => {
    const own = arms.get(`${name}/${seed}`) ?? [];
    return own.length === points ? own : [];
  };
  const seeds = SEEDS.filter((seed) => done('dense AdamW', seed).length > 0);
  const names = [...new Set(rows.map(({ arm }) => arm.slice(0, arm.lastIndexOf('/'))))];
  const curves = names.map((name) => [name, seeds.map((seed) => done(name, seed)).filter(hasRows)] as const);
  return new Map(curves.filter(([, curve]) => curve.length > 0));
}

const hasRows = (own: readonly RoundRow[]): boolean => own.length > 0;
const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
const lossesAt = (curve: Curve, point: number): number[] => curve.map((own) => own[point]!.lossNats);

/** Mean over seeds of the loss above dense AdamW's of the same seed, at a point of the curve. */
function gapsAt(curve: Curve, dense: Curve, point: number): number[] {
  return lossesAt(curve, point).map((loss, seed) => loss / dense[seed]![point]!.lossNats - 1);
}

function summaryOf(name: string, { curve, dense }: { curve: Curve; dense: Curve }) {
  const end = curve[0]!.length - 1;
  const atEnd = (runs: Curve, value: (row: RoundRow) => number): number =>
    mean(runs.map((own) => value(own[end]!)));
  const gaps = gapsAt(curve, dense, end);
  const uplinkBytes = atEnd(curve, (row) => row.uplinkBytes);
  const fewerBytes = atEnd(dense, (row) => row.uplinkBytes) / uplinkBytes;
  const cells = [
    name,
    lossesAt(curve, end)
      .map((loss) => loss.toFixed(3))
      .join(', '),
    percent(mean(gaps)),
    gaps.map(percent).join(', '),
    atEnd(curve, (row) => row.tokens).toFixed(0),
    `${(uplinkBytes / 1e6).toFixed(2)} MB`,
    `${fewerBytes.toFixed(0)}×`,
  ];
  return { name, gap: mean(gaps), fewerBytes, cells };
}

const percent = (share: number): string => `${(100 * share).toFixed(1)}%`;

/** `x`: of the first seed's row at a point. */
function lineOf(label: string, curve: Curve, x: (row: RoundRow, point: number) => number): Line {
  return {
    label,
    points: curve[0]!.map((row, point) => [x(row, point), mean(lossesAt(curve, point))]),
  };
}

type LinePlot = Extract<Plot, { kind: 'lines' }>;

function plotOf(title: string, { x, y, lines }: Pick<LinePlot, 'x' | 'y' | 'lines'>): LinePlot {
  return { kind: 'lines', title, x, y, logX: true, lines };
}
