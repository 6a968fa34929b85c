/**
 * @file What each attack of the gallery earns and does: 3 hostile devices among 7 honest ones, all ten honest before. Under
 * the gate alone and with the work tests, against ten and seven honest ones that go on undisturbed.
 */
import { gallery } from '../attacks/gallery.js';
import { labSettings, labTraining } from '../network/settings.js';
import { honestCrew, mixedCrew } from './crew.js';
import type { Arm, Assertion, Experiment, RoundRow } from './Experiment.js';

const HONEST = 7;
const HOSTILE = 3;
const POLICIES = ['gate', 'work'] as const;
type Tested = (typeof POLICIES)[number];

/**
 * A cheat may earn this share of what honest work of the same cost earns; one worker under several names, and who does all
 * of its work and only sends it larger, as much as an honest one.
 */
const GOAL = 0.5;
const HONEST_GOAL = 1;
const DOES_ITS_WORK = new Set(['sybil', 'sybil-inflated', 'collusion', 'scaled-2', 'scaled-10']);
/** Final loss may be this much above the attack-free run's. */
const LOSS_GOAL = 0.03;
const QUICK = ['sign-flip', 'copy', 'lazy-quarter'];

export const attacksExperiment: Experiment = {
  id: 'attacks',
  about:
    'what each attack earns per task and per unit of work, and what it does to the model; 3 of 10 hostile',
  arms(quick) {
    const size = quick
      ? { honest: 4, hostile: 1, rounds: 2, warmup: 3 }
      : { honest: HONEST, hostile: HOSTILE, rounds: 3, warmup: 6 };
    const picked = gallery.filter(({ name }) => !quick || QUICK.includes(name));
    const all = honestCrew(size.honest + size.hostile);
    return (quick ? (['work'] as const) : POLICIES).flatMap((policy): Arm[] => {
      const settings = labSettings({ policy, training: { ...labTraining, innerSteps: 4 } });
      const common = { settings, rounds: size.rounds, warmup: { participants: all, rounds: size.warmup } };
      return [
        { ...common, id: `${policy}/none`, participants: all },
        { ...common, id: `${policy}/none-fewer`, participants: honestCrew(size.honest) },
        ...picked.map((behaviour) => ({
          ...common,
          id: `${policy}/${behaviour.name}`,
          participants: mixedCrew(size.honest, size.hostile, behaviour),
        })),
      ];
    });
  },
  read(rows) {
    const results = resultsOf(rows);
    const names = gallery.map(({ name }) => name).filter((name) => results.has(`work/${name}`));
    const heading = [
      'attack',
      ...POLICIES.flatMap((p) => [
        `accepted (${p})`,
        `pay per task (${p})`,
        `pay per work (${p})`,
        `loss (${p})`,
      ]),
    ];
    const line = (name: string): string[] => [
      name,
      ...POLICIES.flatMap((policy) => {
        const result = results.get(`${policy}/${name}`);
        if (!result) return ['', '', '', ''];
        return [
          percent(result.accepted),
          times(result.perTask),
          result.perWork === undefined ? 'free' : times(result.perWork),
          signed(lossRise(results, policy, name)),
        ];
      }),
    ];
    return {
      table: [heading, ...names.map(line)],
      assertions: names.flatMap((name) => assertionsOf(name, results)),
      plot: {
        kind: 'bars',
        title: 'Pay of a hostile identity per task, honest = 1',
        unit: '×',
        mark: GOAL,
        bars: names.map((label) => ({
          label,
          values: POLICIES.flatMap((series) => {
            const result = results.get(`${series}/${label}`);
            return result ? [{ series, value: result.perTask }] : [];
          }),
        })),
      },
    };
  },
};

interface Result {
  readonly lossNats: number;
  /** Share of hostile submissions that were accepted. */
  readonly accepted: number;
  /** Mean pay of a hostile identity and round over that of an honest one. */
  readonly perTask: number;
  /** The same over the share of the work done; undefined for who does none. */
  readonly perWork: number | undefined;
}

function resultsOf(rows: readonly RoundRow[]): Map<string, Result> {
  const results = new Map<string, Result>();
  for (const arm of new Set(rows.map((row) => row.arm))) {
    const own = rows.filter((row) => row.arm === arm);
    const sum = (of: (row: RoundRow) => number): number => own.reduce((total, row) => total + of(row), 0);
    const honestPay =
      sum((r) => r.honestPaidNats) /
      Math.max(
        1,
        sum((r) => r.honestSent),
      );
    const hostilePay =
      sum((r) => r.hostilePaidNats) /
      Math.max(
        1,
        sum((r) => r.hostileSent),
      );
    const honestSteps =
      sum((r) => r.honestSteps) /
      Math.max(
        1,
        sum((r) => r.honestSent),
      );
    const hostileSteps =
      sum((r) => r.hostileSteps) /
      Math.max(
        1,
        sum((r) => r.hostileSent),
      );
    const perTask = honestPay > 0 ? hostilePay / honestPay : 0;
    results.set(arm, {
      lossNats: own.at(-1)!.lossNats,
      accepted:
        sum((r) => r.hostileAccepted) /
        Math.max(
          1,
          sum((r) => r.hostileSent),
        ),
      perTask,
      perWork: hostileSteps > 0 ? (perTask * honestSteps) / hostileSteps : undefined,
    });
  }
  return results;
}

function lossRise(results: ReadonlyMap<string, Result>, policy: Tested, name: string): number {
  const reference = results.get(`${policy}/none`);
  return reference ? results.get(`${policy}/${name}`)!.lossNats / reference.lossNats - 1 : Number.NaN;
}

function assertionsOf(name: string, results: ReadonlyMap<string, Result>): Assertion[] {
  const result = results.get(`work/${name}`)!;
  const earned = result.perWork ?? result.perTask;
  const goal = DOES_ITS_WORK.has(name) ? HONEST_GOAL : GOAL;
  const rise = lossRise(results, 'work', name);
  return [
    {
      claim: `${name} earns at most ${goal}× honest per unit of work (per task where it does none)`,
      holds: earned <= goal,
      found: times(earned),
    },
    {
      claim: `${name} costs at most ${percent(LOSS_GOAL)} of final loss`,
      holds: rise <= LOSS_GOAL,
      found: signed(rise),
    },
  ];
}

const times = (value: number): string => `${value.toFixed(2)}×`;
const percent = (value: number): string => `${(100 * value).toFixed(0)}%`;
const signed = (value: number): string => `${value >= 0 ? '+' : ''}${(100 * value).toFixed(1)}%`;
