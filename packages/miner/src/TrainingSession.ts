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
import { TrainingState } from './TrainingState.js';
import { rowsOfTask } from './taskRows.js';
import type {
  OpenedTrainer,
  OpenTrainer,
  Outcome,
  Synced,
  SyncRequest,
  Trained,
  Trainer,
  TrainerSource,
  TrainRequest,
} from './trainer.js';

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

interface Opened {
  readonly request: OpenTrainer;
  readonly found: OpenedTrainer['state'];
  readonly layout: TensorLayout;
  readonly copy: ModelCopy;
  readonly state: TrainingState;
  readonly local: LocalTrainer;
}

const STATE_OF = { good: 'resumed', missing: 'fresh', damaged: 'damaged' } as const;

export class TrainingSession implements Trainer {
  readonly #ports: SessionPorts;
  #opened: Opened | undefined;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(ports: SessionPorts) {
    this.#ports = ports;
  }

  open(request: OpenTrainer): Promise<OpenedTrainer> {
    return this.#inTurn(async () => {
      if (!this.#isOpenFor(request)) {
        await this.#close();
        this.#opened = await this.#read(request);
      }
      const { found, state } = this.#session();
      return { state: found, unsettled: state.unsettled };
    });
  }

  sync(request: SyncRequest): Promise<Synced> {
    return this.#inTurn(() => this.#session().copy.sync(request));
  }

  train(request: TrainRequest): Promise<Trained> {
    return this.#inTurn(() => this.#train(request));
  }

  submission(taskId: string): Promise<Uint8Array> {
    return this.#inTurn(async () => this.#session().state.submission(taskId));
  }

  settle({ taskId, outcome }: { taskId: string; outcome: Outcome }): Promise<void> {
    return this.#inTurn(() => this.#session().state.settle(taskId, outcome));
  }

  save(): Promise<void> {
    return this.#inTurn(() => this.#session().state.save());
  }

  close(): Promise<void> {
    return this.#inTurn(() => this.#close());
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(work);
    this.#queue = turn.catch(() => undefined);
    return turn;
  }

  #session(): Opened {
    if (this.#opened === undefined)
      throw new Error('cannot happen: the miner opens its session before using it');
    return this.#opened;
  }

  #isOpenFor(request: OpenTrainer): boolean {
    return JSON.stringify(this.#opened?.request) === JSON.stringify(request);
  }

  async #read(request: OpenTrainer): Promise<Opened> {
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

  async #close(): Promise<void> {
    const opened = this.#opened;
    this.#opened = undefined;
    try {
      await opened?.state.save();
      await opened?.copy.save();
    } finally {
      await opened?.local.dispose();
    }
  }

  async #train({ task, shards, windowMs }: TrainRequest): Promise<Trained> {
    const { nowMs, stopRequested } = this.#ports;
    const { copy, local } = this.#session();
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
    if (result.steps > 0) return this.#keep(task, result, startedMs);
    if (result.skippedSteps > 0) return nothing('NOT_FINITE', 'no step gave a finite loss and gradient');
    return windowTooShort(windowMs);
  }

  /** Compresses, encodes and saves: from here on the work survives anything. */
  async #keep(task: Task, result: LocalTrainingResult, startedMs: number): Promise<Trained> {
    const { state, layout, local } = this.#session();
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
