/**
 * @file What aggregation alone withstands: no gate, no work tests, 3 of 10 hostile; the mean without and with its clip, and
 * the median of means. What the network does with its gate and work tests is in the `attacks` experiment.
 */
import { gallery } from '../attacks/gallery.js';
import { labSettings, labTraining } from '../network/settings.js';
import { honestCrew, mixedCrew } from './crew.js';
import type { Arm, Experiment, RoundRow } from './Experiment.js';

const RULES = {
  'plain mean': { aggregation: 'mean', clipToMedianNorm: false },
  'clipped mean': { aggregation: 'mean', clipToMedianNorm: true },
  'median of means': { aggregation: 'median-of-means', clipToMedianNorm: true, aggregationGroups: 5 },
} as const;
const ATTACKS = ['sign-flip', 'noise', 'scaled-10'];
const LOSS_GOAL = 0.03;

export const robustExperiment: Experiment = {
  id: 'robust',
  about: 'final loss under aggregation rules alone (no gate, no work tests), 3 of 10 hostile',
  arms(quick) {
    const size = quick ? { honest: 3, hostile: 1, rounds: 2 } : { honest: 7, hostile: 3, rounds: 6 };
    const behaviours = gallery.filter(({ name }) => (quick ? name === 'scaled-10' : ATTACKS.includes(name)));
    return Object.entries(RULES).flatMap(([rule, how]): Arm[] => {
      const settings = labSettings({ policy: 'none', training: { ...labTraining, ...how } });
      const arm = { settings, rounds: size.rounds };
      return [
        { ...arm, id: `${rule}/none`, participants: honestCrew(size.honest + size.hostile) },
        ...behaviours.map((b) => ({
          ...arm,
          id: `${rule}/${b.name}`,
          participants: mixedCrew(size.honest, size.hostile, b),
        })),
      ];
    });
  },
  read(rows) {
    const attacks = ['none', ...ATTACKS].filter((name) => rows.some(({ arm }) => arm.endsWith(`/${name}`)));
    const last = (rule: string, name: string): RoundRow =>
      rows.filter(({ arm }) => arm === `${rule}/${name}`).at(-1)!;
    const rules = Object.keys(RULES);
    return {
      table: [
        ['attack', ...rules],
        ...attacks.map((name) => [name, ...rules.map((rule) => last(rule, name).lossNats.toFixed(3))]),
      ],
      assertions: attacks.slice(1).map((name) => {
        const rise = last('clipped mean', name).lossNats / last('clipped mean', 'none').lossNats - 1;
        return {
          claim: `the clipped mean alone keeps the loss within ${100 * LOSS_GOAL}% under ${name}`,
          holds: rise <= LOSS_GOAL,
          found: `${(100 * rise).toFixed(1)}%`,
        };
      }),
      plot: {
        kind: 'bars',
        title: 'Final held-out loss by rule (nats)',
        unit: '',
        bars: attacks.map((name) => ({
          label: name,
          values: rules.map((rule) => ({ series: rule, value: last(rule, name).lossNats })),
        })),
      },
    };
  },
};
