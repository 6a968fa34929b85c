/**
 * @file What each attack of the gallery earns and does: 3 hostile devices among 7 honest ones, all ten honest before. Under
 * the work tests in three seeds, and in one under the gate alone, against honest ones that go on undisturbed.
 */
import { gallery } from '../attacks/gallery.js';
import { labSettings, labTraining } from '../network/settings.js';
import { honestCrew, mixedCrew } from './crew.js';
import type { Arm, Assertion, Experiment, RoundRow } from './Experiment.js';

const HONEST = 7;
const HOSTILE = 3;
const SEEDS = ['lab', 'lab-2', 'lab-3'];
const POLICIES = ['gate', 'work'] as const;

/**
 * A cheat may earn this share of what honest work of the same cost earns; one worker under several names, and who does all
 * of its work and only sends it larger, as much as an honest one.
 */
const GOAL = 0.5;
const HONEST_GOAL = 1;
const DOES_ITS_WORK = new Set(['sybil', 'sybil-inflated', 'collusion', 'scaled-2', 'scaled-10']);
/** Final loss may be this much above the attack-free run's. */
const LOSS_GOAL = 0.03;
const whatItDoes = new Map(gallery.map(({ name, about }) => [name, about]));
const QUICK = ['sign-flip', 'copy', 'lazy-quarter'];

export const attacksExperiment: Experiment = {
  id: 'attacks',
  about:
    'what each attack earns per task and per unit of work, and what it does to the model; 3 of 10 hostile, three seeds',
  arms(quick) {
    const size = quick
      ? { honest: 4, hostile: 1, rounds: 2, warmup: 3 }
      : { honest: HONEST, hostile: HOSTILE, rounds: 3, warmup: 6 };
    const picked = gallery.filter(({ name }) => !quick || QUICK.includes(name));
    const all = honestCrew(size.honest + size.hostile);
    const seeds = quick ? SEEDS.slice(0, 1) : SEEDS;
    const groups = [
      ...seeds.map((seed) => ({ seed, policy: 'work' as const })),
      ...(quick ? [] : [{ seed: SEEDS[0]!, policy: 'gate' as const }]), // for comparison
    ];
    return groups.flatMap(({ seed, policy }): Arm[] => {
      const settings = labSettings({ seed, policy, training: { ...labTraining, innerSteps: 4 } });
      const common = { settings, rounds: size.rounds, warmup: { participants: all, rounds: size.warmup } };
      const arm = (name: string, participants: Arm['participants']): Arm => ({
        ...{ ...common, id: `${policy}/${name}/${seed}`, participants },
      });
      return [
        arm('none', all),
        arm('none-fewer', honestCrew(size.honest)),
        ...picked.map((behaviour) => arm(behaviour.name, mixedCrew(size.honest, size.hostile, behaviour))),
      ];
    });
  },
  read(rows) {
    const results = resultsOf(rows);
    const policies = POLICIES.filter((policy) => results.has(`${policy}/none`));
    const headed = (policy: string): string => `${policy}, seeds: ${seedsOf(policy, results)}`;
    const names = gallery.map(({ name }) => name).filter((name) => results.has(`work/${name}`));
    const heading = [
      'attack',
      'what it does',
      ...policies.flatMap((p) => [
        `accepted (${headed(p)})`,
        `pay per task (${headed(p)})`,
        `pay per work (${headed(p)})`,
        `loss (${headed(p)})`,
      ]),
    ];
    const line = (name: string): string[] => [
      name,
      whatItDoes.get(name) ?? '',
      ...policies.flatMap((policy) => {
        const runs = results.get(`${policy}/${name}`);
        if (!runs) return ['', '', '', ''];
        return [
          percent(mean(runs, ({ accepted }) => accepted)),
          times(mean(runs, ({ perTask }) => perTask)),
          runs[0]!.perWork === undefined ? 'free' : times(mean(runs, earnedBy)),
          signed(mean(runs, ({ lossRise }) => lossRise)),
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
          values: policies.flatMap((series) => {
            const runs = results.get(`${series}/${label}`);
            return runs ? [{ series, value: mean(runs, ({ perTask }) => perTask) }] : [];
          }),
        })),
      },
    };
  },
};

/** How many seeds the attacks have been run in, `1 to 2` where not all are complete. */
function seedsOf(policy: string, results: Results): string {
  const counts = [...results].flatMap(([id, runs]) => (id.startsWith(`${policy}/`) ? [runs.length] : []));
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  return least === most ? String(most) : `${least} to ${most}`;
}

/** Of one seed. */
interface Result {
  readonly lossNats: number;
  /** Share of hostile submissions that were accepted. */
  readonly accepted: number;
  /** Mean pay of a hostile identity and round over that of an honest one. */
  readonly perTask: number;
  /** The same over the share of the work done; undefined for who does none. */
  readonly perWork: number | undefined;
  /** Final loss over that of the same seed without an attack, minus one. */
  readonly lossRise: number;
}

/** Every seed's, by policy and attack. */
type Results = ReadonlyMap<string, readonly Result[]>;

function resultsOf(rows: readonly RoundRow[]): Results {
  const arms = new Map<string, RoundRow[]>();
  for (const row of rows) arms.set(row.arm, [...(arms.get(row.arm) ?? []), row]);
  const results = new Map<string, Result[]>();
  for (const [arm, own] of arms) {
    const [policy, name, seed] = arm.split('/') as [string, string, string];
    const undisturbed = arms.get(`${policy}/none/${seed}`)!.at(-1)!.lossNats;
    const id = `${policy}/${name}`;
    results.set(id, [...(results.get(id) ?? []), resultOf(own, undisturbed)]);
  }
  return results;
}

function resultOf(own: readonly RoundRow[], undisturbedNats: number): Result {
  const sum = (of: (row: RoundRow) => number): number => own.reduce((total, row) => total + of(row), 0);
  const honestSent = Math.max(
    1,
    sum((row) => row.honestSent),
  );
  const hostileSent = Math.max(
    1,
    sum((row) => row.hostileSent),
  );
  const honestPay = sum((row) => row.honestPaidNats) / honestSent;
  const perTask = honestPay > 0 ? sum((row) => row.hostilePaidNats) / hostileSent / honestPay : 0;
  const honestSteps = sum((row) => row.honestSteps) / honestSent;
  const hostileSteps = sum((row) => row.hostileSteps) / hostileSent;
  const { lossNats } = own.at(-1)!;
  return {
    lossNats,
    accepted: sum((row) => row.hostileAccepted) / hostileSent,
    perTask,
    perWork: hostileSteps > 0 ? (perTask * honestSteps) / hostileSteps : undefined,
    lossRise: lossNats / undisturbedNats - 1,
  };
}

const mean = (runs: readonly Result[], of: (result: Result) => number): number =>
  runs.reduce((sum, result) => sum + of(result), 0) / runs.length;
/** Per unit of work, or per task where none is done. */
const earnedBy = ({ perWork, perTask }: Result): number => perWork ?? perTask;

function assertionsOf(name: string, results: Results): Assertion[] {
  const runs = results.get(`work/${name}`)!;
  const earned = mean(runs, earnedBy);
  const most = Math.max(...runs.map(earnedBy));
  const goal = DOES_ITS_WORK.has(name) ? HONEST_GOAL : GOAL;
  const rise = mean(runs, ({ lossRise }) => lossRise);
  return [
    {
      claim: `${name} earns at most ${goal}× honest per unit of work (per task where it does none)`,
      holds: earned <= goal,
      found: `${times(earned)}, at most ${times(most)} in a seed`,
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
