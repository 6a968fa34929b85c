/**
 * @file Fast and slow, coming and going, late and lossy miners against equal and steady ones: the loss when as many tokens
 * have been verified, under the plain mean and under the mean by work. Gate and work tests as in the network.
 */

import type { AggregationRule } from '@alice/training';
import type { Participant } from '../network/Participant.js';
import { labSettings, labTraining } from '../network/settings.js';
import { honestCrew } from './crew.js';
import type { Arm, Assertion, Experiment, RoundRow } from './Experiment.js';

/** Inner steps in a window: a tenfold spread of speed; the slowest does one step in more than a window. */
const SPEEDS = [8, 8, 6, 5, 4, 3, 2, 0.8];
const GOAL = 0.02;
/** What is compared most closely first, and in two seeds. */
const RUNS: readonly (readonly [crew: string, rule: AggregationRule, seed: string])[] = [
  ['equal', 'mean-by-work', 'lab'],
  ['five equal', 'mean-by-work', 'lab'],
  ['mixed speed', 'mean-by-work', 'lab'],
  ['mixed speed', 'mean', 'lab'],
  ['equal', 'mean', 'lab'],
  ['five equal', 'mean-by-work', 'lab-2'],
  ['mixed speed', 'mean-by-work', 'lab-2'],
  ['mixed speed', 'mean', 'lab-2'],
  ['mixed and unsteady', 'mean-by-work', 'lab'],
  ['unsteady', 'mean-by-work', 'lab'],
];

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

type Crew = { readonly name: string; readonly members: readonly Participant[]; readonly rounds: number };

function crews(count: number): Crew[] {
  const crew = honestCrew(count);
  return [
    { name: 'equal', members: crew, rounds: 10 },
    // As many steps a round as the mixed crew has: smaller rounds learn more from a token, whoever does them.
    { name: FAIR, members: crew.slice(0, 5), rounds: 16 },
    { name: 'mixed speed', members: spread(crew), rounds: 18 },
    { name: 'mixed and unsteady', members: unsteady(spread(crew)), rounds: 28 },
    { name: 'unsteady', members: unsteady(crew), rounds: 18 },
  ];
}
const FAIR = 'five equal';

export const heterogeneousExperiment: Experiment = {
  id: 'heterogeneous',
  about:
    '8 equal steady miners against a tenfold spread of speed, and against that with joins, leaves, losses and late work; two seeds, plain mean and mean by work',
  arms(quick) {
    const known = new Map(crews(quick ? 4 : 8).map((crew) => [crew.name, crew]));
    return RUNS.slice(0, quick ? 4 : undefined).map(([name, aggregation, seed]): Arm => {
      const { members, rounds } = known.get(name)!;
      return {
        id: `${name}/${aggregation}/${seed}`,
        settings: labSettings({ policy: 'work', seed, training: { ...labTraining, aggregation } }),
        participants: members,
        rounds: quick ? Math.ceil(rounds / 4) : rounds,
      };
    });
  },
  read(rows, quick) {
    const runs = runsOf(rows);
    const tokens = Math.min(...[...runs.values()].flatMap((seeds) => seeds.map((own) => own.at(-1)!.tokens)));
    const compared = [...runs].map(([run, seeds]) => {
      const [name, rule] = run.split('/') as [string, AggregationRule];
      const losses = seeds.map((own) => lossAt(own, tokens));
      const rounds = mean(seeds.map((own) => roundsTo(own, tokens)));
      return { name, rule, losses, rounds };
    });
    type Compared = (typeof compared)[number];
    /** Mean over seeds of the loss against that of another crew of the same seed. */
    const against = ({ losses }: Compared, name: string, rule: AggregationRule): number | undefined => {
      const other = compared.find((one) => one.name === name && one.rule === rule);
      const gaps = losses.flatMap((loss, seed) => {
        const reference = other?.losses[seed];
        return reference === undefined ? [] : [loss / reference - 1];
      });
      return gaps.length === 0 ? undefined : mean(gaps);
    };
    const assertions = compared.flatMap((one): Assertion[] => {
      const isFair = one.name === 'equal' || one.name === FAIR;
      const gap = isFair ? against(one, one.name, 'mean') : against(one, FAIR, 'mean-by-work');
      if (one.rule !== 'mean-by-work' || gap === undefined) return [];
      const what = isFair ? 'the same crew under the plain mean' : 'five equal ones';
      return [
        {
          claim: `${one.name}, by work: within ${100 * GOAL}% of ${what} at equal verified tokens`,
          holds: gap <= GOAL,
          found: percent(gap),
        },
      ];
    });
    return {
      table: [
        [
          'crew',
          'rule',
          `loss at ${tokens} verified tokens`,
          'against five equal',
          'against equal',
          'rounds to get there',
        ],
        ...compared.map((one) => [
          one.name,
          one.rule,
          one.losses.map((loss) => loss.toFixed(3)).join(', '),
          percent(against(one, FAIR, 'mean-by-work')),
          percent(against(one, 'equal', 'mean-by-work')),
          one.rounds.toFixed(1),
        ]),
      ],
      assertions: quick ? [] : assertions,
      plot: {
        kind: 'lines',
        title: 'Held-out loss against verified tokens, first seed',
        x: 'tokens',
        y: 'nats',
        lines: [...runs]
          .filter(([run]) => run.includes('mixed') || run.startsWith(FAIR))
          .map(([label, [own]]) => ({
            label,
            points: own!.map((row) => [row.tokens, row.lossNats] as const),
          })),
      },
    };
  },
};

/** Rows of each seed by crew and rule. */
function runsOf(rows: readonly RoundRow[]): Map<string, RoundRow[][]> {
  const runs = new Map<string, RoundRow[][]>();
  for (const arm of new Set(rows.map((row) => row.arm))) {
    const run = arm.slice(0, arm.lastIndexOf('/'));
    runs.set(run, [...(runs.get(run) ?? []), rows.filter((row) => row.arm === arm)]);
  }
  return runs;
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
const percent = (share: number | undefined): string =>
  share === undefined ? '' : `${(100 * share).toFixed(1)}%`;

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
