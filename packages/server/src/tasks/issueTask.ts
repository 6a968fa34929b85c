/**
 * @file Hands out tasks (TASK-1): which tokens is a pure function of seed, miner and round; id and nonce are fresh
 * random bytes bound to (miner, task, state root). At most one open task per device, one submission per device and
 * round; a device that lost its answer gets the same task again.
 */
import { randomBytes } from 'node:crypto';
import { hashJson, type Task, type TaskSettings, toHex } from '@alice/protocol';
import { learningRatesOf, type TrainingSettings } from '@alice/training';
import type { ServerContext } from '../context.js';
import { lockMember, type Member } from '../state/members.js';
import { currentRound, type RoundRow } from '../state/rounds.js';
import { hasSubmitted } from '../state/submissions.js';
import { closeTask, insertTask, openTaskOf, type TaskRow } from '../state/tasks.js';
import { findVersion, type VersionRow } from '../state/versions.js';

/** An open task is handed out again while this share of its window is left; otherwise a new one is made. */
const REUSE_SHARE = 0.5;

/** The device's task, or undefined while there is nothing for it to do. */
export function issueTask(context: ServerContext, member: Member): Promise<Task | undefined> {
  return context.db.transaction(async (tx) => {
    await lockMember(tx, member); // two requests of one device, perhaps on two nodes, come one after the other
    const round = await currentRound(tx);
    if (round.status !== 'open') return undefined;
    const open = await openTaskOf(tx, member);
    if (open) {
      const again = sameTask(context, open, round);
      if (again) return again;
      await closeTask(tx, open.task_id, 'expired');
    }
    if (await hasSubmitted(tx, member, round.round)) return undefined;
    const base = (await findVersion(tx, round.version))!;
    const task = newTask(context, { member, round, base });
    await insertTask(tx, member, task, context.now());
    return task;
  });
}

function sameTask(context: ServerContext, open: TaskRow, round: RoundRow): Task | undefined {
  const leftMs = open.deadline_ms - context.options.round.uploadMs - context.now();
  if (open.round !== round.round || leftMs < REUSE_SHARE * context.options.round.windowMs) return undefined;
  return { ...open.task, windowMs: leftMs };
}

function newTask(
  context: ServerContext,
  { member, round, base }: { member: Member; round: RoundRow; base: VersionRow },
): Task {
  const { training, round: timing, seed } = context.options;
  const miner = `${member.address}/${member.instance}`;
  const firstStep = base.version * training.innerSteps; // each applied round made one version
  return {
    taskId: toHex(randomBytes(16)),
    nonce: toHex(randomBytes(32)),
    round: round.round,
    version: base.version,
    stateRoot: base.state_root,
    objective: 'lm',
    ranges: context.data.assign({
      seed,
      miner,
      round: round.round,
      rows: training.innerSteps * training.rowsPerStep,
      rowLength: training.sequenceLength + 1,
    }),
    seed: hashJson(['rows', seed, round.round, miner]),
    settings: taskSettings(training, firstStep),
    deadlineMs: context.now() + timing.windowMs + timing.uploadMs,
    windowMs: timing.windowMs,
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
    format: training.wire,
  };
}
