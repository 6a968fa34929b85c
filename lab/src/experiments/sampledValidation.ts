/**
 * @file What cheating is worth when only a share of submissions is checked: the formula of the training package beside
 * 100,000 drawn submissions. Needs no network, so it has no arms.
 */
import { seededRandom } from '@alice/protocol';
import {
  breakEvenPenaltyTasks,
  cheatingValueTasks,
  defaultSamplingSettings,
  type SamplingSettings,
} from '@alice/training';
import type { Experiment } from './Experiment.js';

const RATES = [0.05, 0.1, 0.25, 0.5, 1];
const PENALTIES = [0, 2, 4, 8, 16, 32];
/** Of the checks on lazy-quarter work, nearly all refuse it (`attacks`); half is a cautious reading. */
const DETECTION = { sure: 0.95, cautious: 0.5 };
const DRAWS = 100_000;

export const sampledValidationExperiment: Experiment = {
  id: 'sampled-validation',
  about: 'expected value of one cheating submission in full tasks of pay, by sampling rate and penalty',
  arms: () => [],
  read() {
    const settings = RATES.flatMap((rate) => PENALTIES.map((penaltyTasks) => ({ rate, penaltyTasks })));
    const worst = Math.max(
      ...settings.map(
        (s) =>
          Math.abs(drawn(s, DETECTION.sure) - cheatingValueTasks(s, { detection: DETECTION.sure })) /
          (1 + s.penaltyTasks),
      ),
    );
    const atDefault = (detection: number): number =>
      cheatingValueTasks(defaultSamplingSettings, { detection });
    return {
      table: [
        [
          'sampling rate',
          ...PENALTIES.map((p) => `penalty ${p}`),
          'break-even penalty',
          `break-even at detection ${DETECTION.cautious}`,
        ],
        ...RATES.map((rate) => [
          String(rate),
          ...PENALTIES.map((penaltyTasks) => {
            const s = { rate, penaltyTasks };
            return `${cheatingValueTasks(s, { detection: DETECTION.sure }).toFixed(2)} (${drawn(s, DETECTION.sure).toFixed(2)})`;
          }),
          breakEvenPenaltyTasks(rate, { detection: DETECTION.sure }).toFixed(1),
          breakEvenPenaltyTasks(rate, { detection: DETECTION.cautious }).toFixed(1),
        ]),
      ],
      assertions: [
        {
          claim: 'draws agree with the formula within 1% of the stake',
          holds: worst < 0.01,
          found: `${(100 * worst).toFixed(2)}%`,
        },
        ...Object.values(DETECTION).map((detection) => ({
          claim: `the default (rate ${defaultSamplingSettings.rate}, penalty ${defaultSamplingSettings.penaltyTasks}) keeps it negative at detection ${detection}`,
          holds: atDefault(detection) < 0,
          found: atDefault(detection).toFixed(2),
        })),
      ],
      plot: {
        kind: 'lines',
        title: 'Expected value of one cheating submission (detection 0.95)',
        x: 'penalty, tasks of pay',
        y: 'tasks of pay',
        lines: RATES.map((rate) => ({
          label: `rate ${rate}`,
          points: PENALTIES.map(
            (penaltyTasks) =>
              [
                penaltyTasks,
                cheatingValueTasks({ rate, penaltyTasks }, { detection: DETECTION.sure }),
              ] as const,
          ),
        })),
      },
    };
  },
};

/** Mean over drawn submissions: checked or not, seen or not. */
function drawn({ rate, penaltyTasks }: SamplingSettings, detection: number): number {
  const random = seededRandom(`sampled/${rate}/${penaltyTasks}/${detection}`);
  let total = 0;
  for (let i = 0; i < DRAWS; i++)
    total += random.unit() < rate && random.unit() < detection ? -penaltyTasks : 1;
  return total / DRAWS;
}
