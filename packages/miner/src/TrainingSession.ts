/**
 * @file The computing half of a miner: its copy of the model, local training, compression and the state that outlives
 * a task. Runs in a thread or process of its own (serveTraining.ts) and in tests directly. Never talks to the server itself.
 * Requests are worked on one after another.
 */
import { entryCount, errorCodeOf, messageOf, type Task, type TensorLayout } from '@alice/protocol';
import type { LocalTrainingResult } from '@alice/training';
import type { Compute } from './compute.js';
import { formatOf, nothing, submissionOf, windowTooShort } from './finishedWork.js';
import { LocalTrainer } from './LocalTrainer.js';
import { ModelCopy } from './ModelCopy.js';
import type { States } from './states.js';
import { type OpenedSession, STATE_OF, TrainerSession } from './TrainerSession.js';
import { TrainingState } from './TrainingState.js';
import { rowsOfTask } from './taskRows.js';
import type { OpenTrainer, Synced, SyncRequest, Trained, TrainerSource, TrainRequest } from './trainer.js';

export interface SessionPorts {
  readonly source: TrainerSource;
  readonly compute: Compute;
  /** The states of a folder or a browser's database. */
  readonly openStates: (dir: string) => States;
  /** Monotonic milliseconds. */
  readonly nowMs: () => number;
  /** Asked between inner steps. */
  readonly stopRequested: () => boolean;
}

interface Opened extends OpenedSession {
  readonly layout: TensorLayout;
  readonly copy: ModelCopy;
  readonly local: LocalTrainer;
}

export class TrainingSession extends TrainerSession<Opened> {
  readonly #ports: SessionPorts;

  constructor(ports: SessionPorts) {
    super();
    this.#ports = ports;
  }

  protected override async read(request: OpenTrainer): Promise<Opened> {
    const { dir, address, instance, threads, networkId, serverId, model } = request;
    const { compute, source, nowMs, stopRequested } = this.#ports;
    const layout = compute.layoutOf(model);
    const states = this.#ports.openStates(dir);
    const copy = await ModelCopy.open({ states, layout, networkId, serverId, source, nowMs });
    const name = `training-${address}-${instance}`;
    const { state, found } = await TrainingState.open({ states, name, layout, networkId });
    const ports = { compute, nowMs, stopRequested, onStep: source.onStep };
    const local = new LocalTrainer({ model, layout, threads }, ports, state.optimizer);
    return { request, found: STATE_OF[found], layout, copy, state, local };
  }

  protected override follow({ copy }: Opened, request: SyncRequest): Promise<Synced> {
    return copy.sync(request);
  }

  protected override async release({ copy, local }: Opened): Promise<void> {
    try {
      await copy.save();
    } finally {
      await local.dispose();
    }
  }

  protected override async work(opened: Opened, { task, shards, windowMs }: TrainRequest): Promise<Trained> {
    const { nowMs, stopRequested } = this.#ports;
    const { copy, local } = opened;
    const startedMs = nowMs();
    const base = copy.parameters(task.version, task.stateRoot);
    const work = { settings: task.settings, base, windowMs, ...rowsOfTask(task, shards) };
    let result: LocalTrainingResult;
    try {
      result = await local.train(work);
    } catch (error) {
      if (errorCodeOf(error) === 'NOT_FINITE') return nothing('NOT_FINITE', messageOf(error));
      throw error;
    }
    if (stopRequested()) return nothing('STOPPED', 'the miner is stopping');
    if (result.steps > 0) return this.#keep(opened, task, { result, startedMs });
    if (result.skippedSteps > 0) return nothing('NOT_FINITE', 'no step gave a finite loss and gradient');
    return windowTooShort(windowMs);
  }

  /** Compresses, encodes and saves: from here on the work survives anything. */
  async #keep(
    { state, layout, local }: Opened,
    task: Task,
    { result, startedMs }: { result: LocalTrainingResult; startedMs: number },
  ): Promise<Trained> {
    const { density, errorFeedbackDecay, selection } = task.settings;
    const compression = { density, errorFeedbackDecay, selection, format: formatOf(task.settings) };
    const delta = state.feedback(compression).compress(result.delta);
    if (entryCount(delta) === 0) return nothing('EMPTY_DELTA', 'training changed nothing');
    const { steps, skippedSteps, tokens, lossesNats } = result;
    const lossNats = lossesNats.reduce((sum, loss) => sum + loss, 0) / steps;
    const bytes = await submissionOf(task, layout, { delta, steps, tokens, lossNats });
    const work = { taskId: task.taskId, round: task.round, sizeBytes: bytes.length };
    state.optimizer = local.exportOptimizer();
    await state.add(work, bytes);
    const { microBatch } = local;
    const elapsedMs = this.#ports.nowMs() - startedMs;
    return { kind: 'work', work, steps, skippedSteps, tokens, lossNats, microBatch, elapsedMs };
  }
}
