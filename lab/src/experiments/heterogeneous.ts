/**
 * @file Fast and slow, coming and going, late and lossy miners against equal and steady ones: the loss when as many tokens
 * have been verified.
 */

import type { Participant } from '../network/Participant.js';
import { labSettings } from '../network/settings.js';
import { honestCrew } from './crew.js';
import type { Arm, Experiment, RoundRow } from './Experiment.js';

/** Inner steps in a window: a tenfold spread of speed; the slowest does one step in more than a window. */
const SPEEDS = [8, 8, 6, 5, 4, 3, 2, 0.8];
const GOAL = 0.02;

const spread = (crew: readonly Participant[]): Participant[] =>
  crew.map((one, i) => ({ ...one, stepsPerWindow: SPEEDS[i % SPEEDS.length]! }));

/** Two leave, two join, a tenth of uploads is lost, a fifth comes a round late. */
const unsteady = (crew: readonly Participant[]): Participant[] =>
  crew.map((one, i) => ({
    ...one,
    lossRate: 0.1,
    lateRate: 0.2,
    ...(i % 4 === 1 ? { leavesAt: 6 } : {}),
    ...(i % 4 === 2 ? { joinsAt: 4 } : {}),
  }));

export const heterogeneousExperiment: Experiment = {
  id: 'heterogeneous',
  about:
    '8 equal steady miners against a tenfold spread of speed, and against that with joins, leaves, losses and late work',
  arms(quick) {
    const crew = honestCrew(quick ? 4 : 8);
    const settings = labSettings({ policy: 'gate' });
    const arm = (id: string, participants: readonly Participant[], rounds: number): Arm => ({
      id,
      settings,
      participants,
      rounds: quick ? Math.ceil(rounds / 4) : rounds,
    });
    return [
      arm('equal', crew, 10),
      // As many steps a round as the mixed crew has: smaller rounds learn more from a token, whoever does them.
      arm('five equal', crew.slice(0, 5), 16),
      arm('mixed speed', spread(crew), 18),
      arm('unsteady', unsteady(crew), 18),
      arm('mixed and unsteady', unsteady(spread(crew)), 28),
    ];
  },
  read(rows, quick) {
    const arms = [...new Set(rows.map(({ arm }) => arm))];
    const of = (arm: string): RoundRow[] => rows.filter((row) => row.arm === arm);
    const tokens = Math.min(...arms.map((arm) => of(arm).at(-1)!.tokens));
    const reference = lossAt(of('equal'), tokens);
    const smaller = lossAt(of('five equal'), tokens);
    const compared = arms.map((arm) => ({
      arm,
      loss: lossAt(of(arm), tokens),
      rounds: roundsTo(of(arm), tokens),
    }));
    const gap = (loss: number): string => `${(100 * (loss / reference - 1)).toFixed(1)}%`;
    return {
      table: [
        ['crew', `loss at ${tokens} verified tokens`, 'against equal', 'rounds to get there'],
        ...compared.map(({ arm, loss, rounds }) => [arm, loss.toFixed(3), gap(loss), String(rounds)]),
      ],
      assertions: quick
        ? []
        : compared
            .filter(({ arm }) => !arm.includes('equal'))
            .flatMap(({ arm, loss }) => [
              {
                claim: `${arm}: within ${100 * GOAL}% of equal at equal verified tokens`,
                holds: loss <= (1 + GOAL) * reference,
                found: gap(loss),
              },
              {
                claim: `${arm}: within ${100 * GOAL}% of five equal ones`,
                holds: loss <= (1 + GOAL) * smaller,
                found: `${(100 * (loss / smaller - 1)).toFixed(1)}%`,
              },
            ]),
      plot: {
        kind: 'lines',
        title: 'Held-out loss against verified tokens',
        x: 'tokens',
        y: 'nats',
        lines: arms.map((arm) => ({
          label: arm,
          points: of(arm).map((row) => [row.tokens, row.lossNats] as const),
        })),
      },
    };
  },
};

/** Linear between rounds. */
function lossAt(rows: readonly RoundRow[], tokens: number): number {
  const after = rows.findIndex((row) => row.tokens >= tokens);
  const high = rows[after]!;
  const low = rows[after - 1];
  if (!low || high.tokens === low.tokens) return high.lossNats;
  return low.lossNats + ((high.lossNats - low.lossNats) * (tokens - low.tokens)) / (high.tokens - low.tokens);
}

function roundsTo(rows: readonly RoundRow[], tokens: number): number {
  return rows.findIndex((row) => row.tokens >= tokens) + 1;
}
