/**
 * @file How the gap to dense AdamW changes with the size of the model: four widths on the same rows and equally many tokens,
 * the network's default protocol against dense data-parallel AdamW. Peak rates are those that were best at width 32
 * (`convergence`), times 32 over the width: at width 64 that is the best of those tried there.
 */
import { parameterCount, resolveModel } from '@alice/model';
import { defaultTrainingSettings, type TrainingSettings } from '@alice/training';
import { labModel, labSettings } from '../network/settings.js';
import { honestCrew } from './crew.js';
import type { Arm, Experiment, RoundRow } from './Experiment.js';

const MINERS = 4;
const WIDTHS = [8, 16, 32, 64];
const QUICK_WIDTHS = [8, 16];
const TUNED_AT = 32;
const PEAK = { dense: 1.2e-2, ours: 2e-2 };
const ROUNDS = 15;
const QUICK_ROUNDS = 3;
const SCHEMES = ['dense', 'ours'] as const;
type Scheme = (typeof SCHEMES)[number];

const modelOf = (width: number) =>
  resolveModel('nano', {
    layers: 2,
    width,
    heads: 2,
    kvHeads: 1,
    ffn: 3 * width,
    context: defaultTrainingSettings.sequenceLength,
    vocab: labModel.vocab,
  });

function trainingOf(width: number, scheme: Scheme, rounds: number): TrainingSettings {
  const peak = (PEAK[scheme] * TUNED_AT) / width;
  const decaySteps = rounds * defaultTrainingSettings.innerSteps;
  return {
    ...defaultTrainingSettings,
    schedule: { peak, warmupSteps: 24, constantSteps: 0, decay: 'cosine', decaySteps, floor: 0.1 },
  };
}

export const modelSizeExperiment: Experiment = {
  id: 'model-size',
  about: 'the gap of the default protocol to dense AdamW at four sizes of the model and equally many tokens',
  arms(quick) {
    const rounds = quick ? QUICK_ROUNDS : ROUNDS;
    return (quick ? QUICK_WIDTHS : WIDTHS).flatMap((width) =>
      SCHEMES.map((scheme): Arm => {
        const training = trainingOf(width, scheme, rounds);
        return {
          id: `${width}/${scheme}`,
          scheme: scheme === 'dense' ? 'dense' : 'protocol',
          settings: labSettings({
            ...{ training, wire: training.wire, policy: 'none', model: modelOf(width) },
            ...{ seed: 'model-size', reportRows: 128 },
          }),
          participants: honestCrew(MINERS),
          rounds,
        };
      }),
    );
  },
  read(rows) {
    const of = (width: number, scheme: Scheme): RoundRow[] =>
      rows.filter(({ arm }) => arm === `${width}/${scheme}`);
    const sizes = WIDTHS.flatMap((width) => {
      const [dense, ours] = [of(width, 'dense'), of(width, 'ours')];
      if (dense.length === 0 || ours.length !== dense.length) return [];
      const gaps = ours.map((row, i) => row.lossNats / dense[i]!.lossNats - 1);
      return [{ width, parameters: parameterCount(modelOf(width)), dense, ours, gaps }];
    });
    const first = sizes[0];
    const last = sizes.at(-1);
    return {
      table: [
        ['width', 'parameters', 'tokens a parameter', 'dense AdamW', 'ours', 'above dense', 'fewer bytes'],
        ...sizes.map(({ width, parameters, dense, ours, gaps }) => {
          const [baseline, own] = [dense.at(-1)!, ours.at(-1)!];
          return [
            String(width),
            String(parameters),
            (own.tokens / parameters).toFixed(1),
            baseline.lossNats.toFixed(3),
            own.lossNats.toFixed(3),
            percent(gaps.at(-1)!),
            `${(baseline.uplinkBytes / own.uplinkBytes).toFixed(0)}×`,
          ];
        }),
      ],
      assertions:
        first && last && first !== last
          ? [
              {
                claim: `the gap at width ${last.width} is at most that at width ${first.width}`,
                holds: last.gaps.at(-1)! <= first.gaps.at(-1)!,
                found: `${percent(last.gaps.at(-1)!)} against ${percent(first.gaps.at(-1)!)}`,
              },
            ]
          : [],
      plot: {
        kind: 'lines',
        title: 'Loss above dense AdamW at equally many tokens',
        x: 'parameters',
        y: '%',
        logX: true,
        lines: [
          {
            label: 'ours',
            points: sizes.map(({ parameters, gaps }) => [parameters, 100 * gaps.at(-1)!] as const),
          },
        ],
      },
      plots: {
        tokens: {
          kind: 'lines',
          title: 'Loss above dense AdamW at equal tokens',
          x: 'tokens',
          y: '%',
          logX: true,
          lines: sizes.map(({ parameters, ours, gaps }) => ({
            label: `${parameters} parameters`,
            points: ours.map((row, i) => [row.tokens, 100 * gaps[i]!] as const),
          })),
        },
      },
    };
  },
};

const percent = (share: number): string => `${(100 * share).toFixed(1)}%`;
