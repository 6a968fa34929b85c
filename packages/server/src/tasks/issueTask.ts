/**
 * @file Hands out tasks (TASK-1): which tokens is a pure function of seed, miner and round; id and nonce are fresh
 * random bytes bound to (miner, task, state root). At most one open task per device, one submission per device and
 * round; a device that lost its answer gets the same task again.
 */
import { randomBytes } from 'node:crypto';
import { hashJson, type Task, type TaskSettings, toHex } from '@alice/protocol';
import { learningRatesOf, type TrainingSettings } from '@alice/training';
import type { ServerContext } from '../context.js';
import type { Queryable } from '../database/Database.js';
import { lockMembers, type Member } from '../state/members.js';
import { currentRound, type RoundRow } from '../state/rounds.js';
import { submittedLately } from '../state/submissions.js';
import { closeTasks, type Instance, insertTasks, openTasksOf, type TaskRow } from '../state/tasks.js';
import { baseOfCurrentRound, findVersion, type VersionRow } from '../state/versions.js';

/** An open task is handed out again while this share of its window is left; otherwise a new one is made. */
const REUSE_SHARE = 0.5;

/** A task for each of the devices, or undefined while there is nothing for it to do. One transaction for all. */
export function issueTasks(
  context: ServerContext,
  members: readonly Member[],
): Promise<(Task | undefined)[]> {
  const devices = new Map(members.map((member) => [nameOf(member), member]));
  return context.db.transaction(
    async (tx) => {
      // In this order, without a way there and back between them. The locks: two requests of one device, perhaps on two
      // nodes, come one after the other.
      const [, round, open, submitted, latest] = await Promise.all([
        lockMembers(tx, members),
        currentRound(tx),
        openTasksOf(tx, [...devices.values()]),
        submittedLately(tx, [...devices.values()]),
        baseOfCurrentRound(tx),
      ]);
      if (round.status !== 'open') return members.map(() => undefined);
      const given = await takeUpOpen(context, tx, { open, round });
      const idle = [...devices.values()].filter((member) => !given.has(nameOf(member)));
      const done = new Set(submitted.filter((one) => one.round === round.round).map(nameOf));
      // On another node the next round may have begun in between.
      const base = latest.version === round.version ? latest : (await findVersion(tx, round.version))!;
      const fresh = idle
        .filter((member) => !done.has(nameOf(member)))
        .map((member) => ({ who: member, task: newTask(context, { member, round, base }) }));
      await insertTasks(tx, fresh, context.now());
      for (const { who, task } of fresh) given.set(nameOf(who), task);
      return members.map((member) => given.get(nameOf(member)));
    },
    { urgent: true },
  );
}

/** Tasks that are handed out again; those with too little time left are closed. */
async function takeUpOpen(
  context: ServerContext,
  tx: Queryable,
  { open: tasks, round }: { open: readonly TaskRow[]; round: RoundRow },
): Promise<Map<string, Task>> {
  const given = new Map<string, Task>();
  const stale: string[] = [];
  for (const open of tasks) {
    const again = sameTask(context, open, round);
    if (again) given.set(nameOf(open), again);
    else stale.push(open.task_id);
  }
  await closeTasks(tx, stale, 'expired');
  return given;
}

const nameOf = ({ address, instance }: Instance): string => `${address}/${instance}`;

function sameTask(context: ServerContext, open: TaskRow, round: RoundRow): Task | undefined {
  const leftMs = open.deadline_ms - context.options.round.uploadMs - context.now();
  if (open.round !== round.round || leftMs < REUSE_SHARE * context.options.round.windowMs) return undefined;
  return { ...open.task, windowMs: leftMs };
}

function newTask(
  context: ServerContext,
  { member, round, base }: { member: Member; round: RoundRow; base: VersionRow },
): Task {
  const { training, round: timing, regions } = context.options;
  // A region gives its miners that time, and needs as much again to judge them.
  const times = regions?.includes(member.address) ? 2 : 1;
  const firstStep = base.version * training.innerSteps; // each applied round made one version
  return {
    taskId: toHex(randomBytes(16)),
    nonce: toHex(randomBytes(32)),
    round: round.round,
    version: base.version,
    stateRoot: base.state_root,
    objective: 'lm',
    ...assignmentOf(context, member, round.round),
    settings: taskSettings(training, firstStep),
    deadlineMs: context.now() + times * (timing.windowMs + timing.uploadMs),
    windowMs: timing.windowMs,
  };
}

/** Which tokens, and in which order: pure in the network's seed, the device and the round. // SPEC TASK-1 */
export function assignmentOf(
  { options: { training, seed }, data }: Pick<ServerContext, 'options' | 'data'>,
  { address, instance }: Pick<Member, 'instance'> & { readonly address: string },
  round: number,
): Pick<Task, 'ranges' | 'seed'> {
  const miner = nameOf({ address, instance });
  return {
    ranges: data.assign({
      seed,
      miner,
      round,
      rows: training.innerSteps * training.rowsPerStep,
      rowLength: training.sequenceLength + 1,
    }),
    seed: hashJson(['rows', seed, round, miner]),
  };
}

/** What a miner needs of the network's settings (TRAIN-3), with the schedule already evaluated. */
export function taskSettings(training: TrainingSettings, firstStep: number): TaskSettings {
  return {
    optimizer: training.optimizer,
    innerSteps: training.innerSteps,
    rowsPerStep: training.rowsPerStep,
    sequenceLength: training.sequenceLength,
    learningRates: learningRatesOf(training.schedule, firstStep, training.innerSteps),
    weightDecay: training.weightDecay,
    gradientClip: training.gradientClip,
    density: training.density,
    errorFeedbackDecay: training.errorFeedbackDecay,
    ...(training.selection === 'chunked' ? {} : { selection: training.selection }),
    format: training.wire,
  };
}
