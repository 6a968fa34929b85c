/**
 * @file The attack gallery: ways to be paid for less than the work, or to harm the model. Each is what one hostile device
 * does in its turn; how many there are and what it earns is the experiment's business. `doneSteps` is the compute it
 * really spent, so that what it earned can be set against it.
 */
import type { SparseDelta } from '@alice/protocol';
import { type Behaviour, type Contribution, honest, type Turn } from '../network/behaviour.js';
import { atNormOf, dense, difference, disguised, noiseLike, scaled, sparse } from './deltas.js';

/** `free`: spends no training; `lazy`: some; `full`: all of a task's work, to do harm or to be paid more often. */
export type AttackKind = 'free' | 'lazy' | 'full';

export interface Attack extends Behaviour {
  readonly kind: AttackKind;
  readonly about: string;
}

type Act = (turn: Turn) => Promise<Contribution | undefined>;

const attack = (name: string, about: string, [kind, act]: readonly [AttackKind, Act]): Attack => ({
  name,
  about,
  kind,
  isHonest: false,
  act,
});

const none = (turn: Turn, delta: SparseDelta): Contribution => ({
  delta,
  claimedSteps: turn.steps,
  doneSteps: 0,
});

/** Honest work, changed before it is sent. */
const changed =
  (change: (delta: SparseDelta, turn: Turn) => SparseDelta): Act =>
  async (turn) => {
    const work = (await honest.act(turn))!;
    return { ...work, delta: change(work.delta, turn) };
  };

/** Sends something made of an honest submission of the same round. */
const fromSeen =
  (change: (delta: SparseDelta, turn: Turn) => SparseDelta): Act =>
  async (turn) => {
    const victim = turn.seen[turn.member % Math.max(1, turn.seen.length)];
    return victim ? none(turn, change(victim, turn)) : undefined;
  };

/** The published update `age` versions ago, as sparse as a submission. */
function published({ base, earlier, layout, settings }: Turn, age = 0): SparseDelta | undefined {
  const from = earlier[age];
  const to = age === 0 ? base : earlier[age - 1];
  return from && to && sparse(difference(to, from), layout, settings.training.density);
}

const resend =
  (age: number): Act =>
  async (turn) => {
    const update = published(turn, age);
    return update && none(turn, update);
  };

/** Some of the steps, scaled up to the size of all of them. */
async function someSteps(turn: Turn, done: number, claimedSteps = turn.steps): Promise<Contribution> {
  const { worker, base, rows, firstStep } = turn;
  const delta = await worker.train({ base, rows, steps: done, firstStep });
  const factor = claimedSteps / done;
  return { delta: worker.compress(delta.map((x) => factor * x)), claimedSteps, doneSteps: done };
}

/** Rows it likes instead of those it was given. */
const elsewhere =
  (rowsOf: (turn: Turn) => Promise<Uint16Array>): Act =>
  async (turn) => {
    const { worker, base, steps, firstStep } = turn;
    const delta = await worker.train({ base, rows: await rowsOf(turn), steps, firstStep });
    return { delta: worker.compress(delta), claimedSteps: steps, doneSteps: steps };
  };

/** A quarter of each batch's rows, again and again: costs a quarter of the compute and touches every batch. */
async function thinBatches(turn: Turn): Promise<Contribution> {
  const { worker, base, rows, steps, firstStep, settings } = turn;
  const rowLength = settings.training.sequenceLength + 1;
  const batch = settings.training.rowsPerStep * rowLength;
  const kept = Math.max(1, settings.training.rowsPerStep / 4) * rowLength;
  const thin = rows.slice();
  for (let i = 0; i < thin.length; i++) thin[i] = rows[i - (i % batch) + ((i % batch) % kept)]!;
  const delta = await worker.train({ base, rows: thin, steps, firstStep });
  return { delta: worker.compress(delta), claimedSteps: steps, doneSteps: steps / 4 };
}

/** A quarter of the work and the last published update, each at the size of an honest delta. */
async function blend(turn: Turn): Promise<Contribution | undefined> {
  const { layout, settings } = turn;
  const update = published(turn);
  const own = await someSteps(turn, quarter(turn));
  if (!update) return own;
  const vector = dense(own.delta, layout);
  const free = atNormOf(dense(update, layout), vector);
  return {
    ...own,
    delta: sparse(
      vector.map((x, i) => x + free[i]!),
      layout,
      settings.training.density,
    ),
  };
}

/** One works, all send it in different dress. */
const collude: Act = async (turn) => {
  const { shared, layout, random } = turn;
  const result = shared.get('work');
  if (result) return none(turn, disguised(result, { layout, random, moved: 0.2 }));
  const work = (await honest.act(turn))!;
  shared.set('work', work.delta);
  return work;
};

/** Shows work on its own rows and hides in it the undoing of work on others', so that the gate sees neither gain nor harm. */
async function tilt(turn: Turn): Promise<Contribution> {
  const { worker, base, rows, steps, firstStep } = turn;
  const own = await worker.train({ base, rows, steps, firstStep });
  const others = await worker.train({ base, rows: await turn.otherRows(), steps, firstStep });
  const delta = worker.compress(own.map((x, i) => x - others[i]!));
  return { delta, claimedSteps: steps, doneSteps: 2 * steps };
}

const quarter = ({ steps }: Turn): number => Math.max(1, Math.floor(steps / 4));

export const gallery: readonly Attack[] = [
  attack('sign-flip', 'honest work with its sign turned', ['full', changed((delta) => scaled(delta, -1))]),
  attack('noise', 'noise with the norm and number of entries of honest work, on places of its own', [
    'free',
    fromSeen((delta, { layout, random }) =>
      disguised(noiseLike(delta, random), { layout, random, moved: 1 }),
    ),
  ]),
  attack('scaled-2', 'honest work twice as large', ['full', changed((delta) => scaled(delta, 2))]),
  attack('scaled-10', 'honest work ten times as large', ['full', changed((delta) => scaled(delta, 10))]),
  attack('empty', 'no entries', ['free', async (turn) => none(turn, { tensors: [] })]),
  attack('nan', 'a value that is not a number', ['free', fromSeen((delta) => scaled(delta, Number.NaN))]),
  attack('copy', "another's submission of the same round", ['free', fromSeen((delta) => delta)]),
  attack('disguised-copy', 'the same with a fifth of its places moved', [
    'free',
    fromSeen((delta, { layout, random }) => disguised(delta, { layout, random, moved: 0.2 })),
  ]),
  attack('published', 'the last published update', ['free', resend(0)]),
  attack('published-older', 'the published update before the last', ['free', resend(1)]),
  attack('published-disguised', 'the last published update with a fifth of its places moved', [
    'free',
    async (turn) => {
      const { layout, random } = turn;
      const update = published(turn);
      return update && none(turn, disguised(update, { layout, random, moved: 0.2 }));
    },
  ]),
  attack('stale-base', 'work that starts three versions back, said to be fresh', [
    'full',
    (turn) => honest.act({ ...turn, base: turn.earlier.at(2) ?? turn.base }),
  ]),
  attack('wrong-shard', 'full work on rows of its own choice', [
    'full',
    elsewhere((turn) => turn.otherRows()),
  ]),
  attack('overfit', 'full work on the split it expects to be scored on', [
    'full',
    elsewhere((turn) => turn.heldOutRows()),
  ]),
  attack('tilt', 'full work, minus as much work on other rows', ['full', tilt]),
  attack('lazy-quarter', 'a quarter of the steps, scaled up, claims all', [
    'lazy',
    (turn) => someSteps(turn, quarter(turn)),
  ]),
  attack('lazy-half', 'half of the steps, scaled up, claims all', [
    'lazy',
    (turn) => someSteps(turn, 2 * quarter(turn)),
  ]),
  attack('thin-batches', 'a quarter of the rows of each step, claims all', ['lazy', thinBatches]),
  attack('blend', 'a quarter of the steps and the last published update', ['lazy', blend]),
  attack('sybil', "one device's work split over all hostile identities, each claims its part", [
    'lazy',
    (turn) => someSteps(turn, quarter(turn), quarter(turn)),
  ]),
  attack('sybil-inflated', 'the same, each claims a full task', [
    'lazy',
    (turn) => someSteps(turn, quarter(turn), turn.steps),
  ]),
  attack('collusion', 'one works, the others send disguised copies of it', ['lazy', collude]),
];
