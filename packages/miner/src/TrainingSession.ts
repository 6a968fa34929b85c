/**
 * @file The computing half of a miner: its copy of the model, local training, compression and the state that outlives
 * a task. Runs in a thread of its own (trainingWorker.ts) and in tests directly. Never talks to the server itself.
 * Requests are worked on one after another.
 */
import { join } from 'node:path';
import type { GradientFunction } from '@alice/model';
import {
  encodeSubmission,
  entryCount,
  errorCodeOf,
  type SparseDelta,
  type Task,
  type TensorLayout,
} from '@alice/protocol';
import { type InnerOptimizer, type LocalTrainingResult, trainLocally } from '@alice/training';
import type { Compute } from './compute.js';
import { ModelCopy } from './ModelCopy.js';
import { isOutOfMemory, microBatchesOf } from './microBatches.js';
import { paceSteps } from './stepPacer.js';
import { TrainingState } from './TrainingState.js';
import { rowsOfTask, type TaskRows } from './taskRows.js';
import type {
  NothingCode,
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
  /** Monotonic milliseconds. */
  readonly nowMs: () => number;
  /** Asked between inner steps. */
  readonly stopRequested: () => boolean;
}

interface Opened {
  readonly request: OpenTrainer;
  readonly layout: TensorLayout;
  readonly copy: ModelCopy;
  readonly state: TrainingState;
}

interface Keyed<T> {
  readonly key: string;
  readonly value: T;
}

export class TrainingSession implements Trainer {
  readonly #ports: SessionPorts;
  #opened: Opened | undefined;
  #gradient: Keyed<GradientFunction> | undefined;
  #optimizer: Keyed<InnerOptimizer> | undefined;
  /** The largest micro-batch this device's memory has allowed so far. */
  #largestBatch = Number.POSITIVE_INFINITY;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(ports: SessionPorts) {
    this.#ports = ports;
  }

  open(request: OpenTrainer): Promise<OpenedTrainer> {
    return this.#inTurn(async () => {
      const { dir, address, instance, networkId, serverId, model } = request;
      const layout = this.#ports.compute.layoutOf(model);
      const { source, nowMs } = this.#ports;
      const copy = await ModelCopy.open({
        path: join(dir, 'model.bin'),
        layout,
        networkId,
        serverId,
        source,
        nowMs,
      });
      const path = join(dir, `training-${address}-${instance}.bin`);
      const { state, found } = await TrainingState.open({ path, layout, networkId });
      this.#opened = { request, layout, copy, state };
      const outcome = { good: 'resumed', missing: 'fresh', damaged: 'damaged' } as const;
      return { state: outcome[found], unsettled: state.unsettled };
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

  close(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#opened?.state.save();
      await this.#opened?.copy.save();
      await this.#gradient?.value.dispose();
      await this.#optimizer?.value.dispose();
      this.#opened = undefined;
      this.#gradient = undefined;
      this.#optimizer = undefined;
    });
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

  async #train({ task, shard, windowMs }: TrainRequest): Promise<Trained> {
    const startedMs = this.#ports.nowMs();
    const base = this.#session().copy.parameters(task.version, task.stateRoot);
    const taskRows = rowsOfTask(task, shard);
    let result: LocalTrainingResult;
    try {
      result = await this.#trainRows(task, { ...taskRows, base, windowMs });
    } catch (error) {
      if (errorCodeOf(error) !== 'NOT_FINITE') throw error;
      await this.#forgetOptimizer(); // its sums have seen what made the weights overflow
      return nothing('NOT_FINITE', (error as Error).message);
    }
    if (this.#ports.stopRequested()) return nothing('STOPPED', 'the miner is stopping');
    if (result.steps === 0)
      return result.skippedSteps > 0
        ? nothing('NOT_FINITE', 'every step gave a loss or gradient that is not a finite number')
        : nothing(
            'WINDOW_TOO_SHORT',
            `no inner step fits into the ${Math.round(windowMs)} ms that were left`,
          );
    return this.#keep(task, result, startedMs);
  }

  /** Compresses, encodes and saves: from here on the work survives anything. */
  async #keep(task: Task, result: LocalTrainingResult, startedMs: number): Promise<Trained> {
    const { state, layout } = this.#session();
    const delta = state.feedback(task.settings).compress(result.delta);
    if (entryCount(delta) === 0) return nothing('EMPTY_DELTA', 'training changed nothing');
    const lossNats = result.lossesNats.reduce((sum, loss) => sum + loss, 0) / result.steps;
    const bytes = await this.#encode(task, { result, lossNats, delta, layout });
    const work = { taskId: task.taskId, round: task.round, sizeBytes: bytes.length };
    state.optimizer = this.#optimizer?.value.exportState();
    await state.add(work, bytes);
    const { steps, skippedSteps, tokens } = result;
    const microBatch = this.#gradient?.value.batch ?? 0;
    return {
      kind: 'work',
      work,
      steps,
      skippedSteps,
      tokens,
      lossNats,
      microBatch,
      elapsedMs: this.#ports.nowMs() - startedMs,
    };
  }

  async #encode(
    { taskId, nonce, stateRoot, version }: Task,
    {
      result,
      lossNats,
      delta,
      layout,
    }: { result: LocalTrainingResult; lossNats: number; delta: SparseDelta; layout: TensorLayout },
  ): Promise<Uint8Array> {
    const claims = { innerSteps: result.steps, tokens: result.tokens, meanTrainingLossNats: lossNats };
    const ids = { taskId, nonce, stateRoot } as {
      taskId: `0x${string}`;
      nonce: `0x${string}`;
      stateRoot: `0x${string}`;
    };
    return encodeSubmission({ ...ids, baseVersion: version, ...claims }, delta, layout);
  }

  /** Trains in the largest micro-batch that memory allows; running out of it costs the attempt, not the task. */
  async #trainRows(
    task: Task,
    work: TaskRows & { base: Float32Array; windowMs: number },
  ): Promise<LocalTrainingResult> {
    const { settings } = task;
    const startedMs = this.#ports.nowMs();
    const sizes = microBatchesOf(settings.rowsPerStep, settings.sequenceLength).filter(
      (size) => size <= this.#largestBatch,
    );
    for (const batch of sizes.length > 0 ? sizes : [1]) {
      try {
        const windowMs = work.windowMs - (this.#ports.nowMs() - startedMs);
        return await this.#attempt(task, { ...work, windowMs, batch });
      } catch (error) {
        if (batch === 1 || !isOutOfMemory(error)) throw error;
        await this.#forgetGradient();
        this.#largestBatch = batch - 1;
      }
    }
    throw new Error('cannot happen: the last micro-batch either returns or throws');
  }

  async #attempt(
    { settings }: Task,
    {
      rows,
      steps,
      base,
      windowMs,
      batch,
    }: TaskRows & { base: Float32Array; windowMs: number; batch: number },
  ): Promise<LocalTrainingResult> {
    const { nowMs, stopRequested, source } = this.#ports;
    const optimizer = await this.#optimizerFor(settings);
    const gradientFunction = await this.#gradientFor(batch, settings.sequenceLength);
    const pacer = paceSteps(windowMs, nowMs, stopRequested);
    return trainLocally({
      gradientFunction,
      optimizer,
      base,
      rows,
      steps,
      rowsPerStep: settings.rowsPerStep,
      clipNorm: settings.gradientClip,
      learningRateAt: (step) => settings.learningRates[step]!,
      shouldStop: pacer.shouldStop,
      onStep: ({ step, lossNats, skipped }) => {
        pacer.onStep();
        source.onStep({ step, steps, lossNats, skipped });
      },
    });
  }

  async #gradientFor(batch: number, sequenceLength: number): Promise<GradientFunction> {
    const key = `${batch}x${sequenceLength}`;
    if (this.#gradient?.key === key) return this.#gradient.value;
    await this.#forgetGradient();
    const { model, threads } = this.#session().request;
    const value = await this.#ports.compute.gradientFunction(model, { batch, sequenceLength, threads });
    this.#gradient = { key, value };
    return value;
  }

  async #optimizerFor(settings: Task['settings']): Promise<InnerOptimizer> {
    const key = `${settings.optimizer} ${settings.weightDecay}`;
    if (this.#optimizer?.key === key) return this.#optimizer.value;
    const { layout, request, state } = this.#session();
    const saved = this.#optimizer?.value.exportState() ?? state.optimizer;
    await this.#forgetOptimizer();
    const value = await this.#ports.compute.optimizer(settings, layout, request.threads);
    try {
      if (saved !== undefined) value.importState(saved);
    } catch (error) {
      if (errorCodeOf(error) !== 'STATE_INVALID') throw error; // of another optimiser: start with empty sums
    }
    this.#optimizer = { key, value };
    return value;
  }

  async #forgetGradient(): Promise<void> {
    const old = this.#gradient;
    this.#gradient = undefined;
    await old?.value.dispose();
  }

  async #forgetOptimizer(): Promise<void> {
    const old = this.#optimizer;
    this.#optimizer = undefined;
    this.#session().state.optimizer = undefined;
    await old?.value.dispose();
  }
}

function nothing(code: NothingCode, reason: string): Trained {
  return { kind: 'nothing', code, reason };
}
