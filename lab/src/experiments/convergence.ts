/**
 * @file Dense data-parallel AdamW, the whitepaper's literal scheme and ours: same rows, tokens and seeds; held-out loss
 * against tokens and uplink bytes.
 */
import { type LabSettings, labSettings, labTraining } from '../network/settings.js';
import { honestCrew } from './crew.js';
import type { Arm, Experiment, RoundRow } from './Experiment.js';

const MINERS = 4;
const SEEDS = ['1', '2'];
const wire = { wire: 'binary_v3', valueBits: 2 } as const;
const adamW = { ...labTraining.schedule, peak: 6e-3, warmupSteps: 24 };

type Scheme = Pick<Arm, 'scheme'> & Partial<LabSettings>;

const SCHEMES: Readonly<Record<string, Scheme>> = {
  'dense AdamW': { scheme: 'dense', training: { ...labTraining, schedule: adamW } },
  // One accumulated, clipped gradient per task, 0.1% of all elements, no error feedback, score-weighted (WP 2.4).
  whitepaper: {
    policy: 'gate',
    plainDescent: true,
    wire: { wire: 'binary_v2' },
    training: {
      ...labTraining,
      innerSteps: 1,
      rowsPerStep: labTraining.innerSteps * labTraining.rowsPerStep,
      schedule: { ...labTraining.schedule, peak: 1, warmupSteps: 0 },
      density: 0.001,
      selection: 'global',
      errorFeedbackDecay: 0,
      stepFraction: 1,
      aggregation: 'score-weighted',
      clipToMedianNorm: false,
      pay: { ...labTraining.pay, rule: 'whitepaper' },
    },
  },
  'ours 3%': { policy: 'gate', wire },
  'ours 6%': { policy: 'gate', wire, training: { ...labTraining, density: 0.06 } },
};

export const convergenceExperiment: Experiment = {
  id: 'convergence',
  about:
    'held-out loss of dense AdamW, the literal whitepaper scheme and ours, 4 miners, against tokens and uplink bytes',
  arms(quick) {
    const seeds = quick ? SEEDS.slice(0, 1) : SEEDS;
    const names = quick ? ['dense AdamW', 'whitepaper', 'ours 3%'] : Object.keys(SCHEMES);
    return seeds.flatMap((seed) =>
      names.map((name): Arm => {
        const { scheme = 'protocol', ...own } = SCHEMES[name]!;
        return {
          id: `${name}/${seed}`,
          scheme,
          settings: labSettings({ ...own, seed: `convergence-${seed}` }),
          participants: honestCrew(quick ? 2 : MINERS),
          rounds: quick ? 5 : 20,
        };
      }),
    );
  },
  read(rows) {
    const names = [...new Set(rows.map(({ arm }) => schemeOf(arm)))];
    const lasts = (name: string): RoundRow[] => lastRows(rows.filter(({ arm }) => schemeOf(arm) === name));
    const loss = (name: string): number => mean(lasts(name).map((row) => row.lossNats));
    const uplink = (name: string): number => mean(lasts(name).map((row) => row.uplinkBytes));
    const dense = loss('dense AdamW');
    const gap = (name: string): string => `${(100 * (loss(name) / dense - 1)).toFixed(1)}%`;
    const line = (name: string): string[] => [
      name,
      lasts(name)
        .map((row) => row.lossNats.toFixed(3))
        .join(', '),
      gap(name),
      mean(lasts(name).map((row) => row.tokens)).toFixed(0),
      `${(uplink(name) / 1e6).toFixed(2)} MB`,
      `${(uplink('dense AdamW') / uplink(name)).toFixed(0)}×`,
    ];
    const ours = names.filter((name) => name.startsWith('ours'));
    return {
      table: [
        ['scheme', 'loss per seed', 'above dense', 'accepted tokens', 'uplink', 'fewer bytes'],
        ...names.map(line),
      ],
      assertions: [
        {
          claim: 'ours is below the literal scheme',
          holds: loss('ours 3%') < loss('whitepaper'),
          found: `${loss('ours 3%').toFixed(3)} against ${loss('whitepaper').toFixed(3)}`,
        },
        ...ours.map((name) => ({
          claim: `${name} is within 5% of dense AdamW at equal tokens`,
          holds: loss(name) <= 1.05 * dense,
          found: gap(name),
        })),
      ],
      plot: {
        kind: 'lines',
        title: 'Held-out loss against uplink bytes of all miners',
        x: 'uplink bytes',
        y: 'nats',
        logX: true,
        lines: names.map((name) => ({
          label: name,
          points: rows
            .filter(({ arm }) => arm === `${name}/1`)
            .map((row) => [row.uplinkBytes, row.lossNats] as const),
        })),
      },
    };
  },
};

const schemeOf = (arm: string): string => arm.slice(0, arm.lastIndexOf('/'));
const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

function lastRows(rows: readonly RoundRow[]): RoundRow[] {
  return [...new Map(rows.map((row) => [row.arm, row])).values()];
}
