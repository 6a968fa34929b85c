/**
 * @file Trains a task's rows on this device: within the task's window, in micro-batches that fit its memory, with an
 * optimiser whose state goes on from task to task. Keeps compiled graphs between tasks. Saves and sends nothing.
 */
import { errorCodeOf, type ModelMessage, type TaskSettings, type TensorLayout } from '@alice/protocol';
import { type InnerOptimizer, type LocalTrainingResult, trainLocally } from '@alice/training';
import type { Compute, StepGradient } from './compute.js';
import { isOutOfMemory, microBatchesOf } from './microBatches.js';
import { paceSteps } from './stepPacer.js';
import type { TaskRows } from './taskRows.js';
import type { TrainerSource } from './trainer.js';

export interface LocalTrainerOptions {
  readonly model: ModelMessage;
  readonly layout: TensorLayout;
  readonly threads: number;
}

export interface LocalTrainerPorts {
  readonly compute: Compute;
  /** Monotonic milliseconds. */
  readonly nowMs: () => number;
  /** Asked between inner steps. */
  readonly stopRequested: () => boolean;
  readonly onStep: TrainerSource['onStep'];
}

export interface LocalWork extends TaskRows {
  readonly settings: TaskSettings;
  /** FP32 weights to start from; not written. */
  readonly base: Float32Array;
  readonly windowMs: number;
}

interface Keyed<T> {
  readonly key: string;
  readonly value: T;
}

export class LocalTrainer {
  readonly #options: LocalTrainerOptions;
  readonly #ports: LocalTrainerPorts;
  #gradient: Keyed<StepGradient> | undefined;
  #optimizer: Keyed<InnerOptimizer> | undefined;
  /** What the optimiser was when it was last exported: the state a task that fails is begun again from. */
  #savedOptimizer: Uint8Array | undefined;
  /** The largest micro-batch this device's memory has allowed so far. */
  #largestBatch = Number.POSITIVE_INFINITY;

  /** `savedOptimizer`: what `exportOptimizer` gave in an earlier run. */
  constructor(
    options: LocalTrainerOptions,
    ports: LocalTrainerPorts,
    savedOptimizer: Uint8Array | undefined,
  ) {
    this.#options = options;
    this.#ports = ports;
    this.#savedOptimizer = savedOptimizer;
  }

  /** Rows computed at once in the last task. */
  get microBatch(): number {
    return this.#gradient?.value.batch ?? 0;
  }

  /** To be called, and kept, when a task's work is: a later task that fails goes back to this state. */
  exportOptimizer(): Uint8Array | undefined {
    if (this.#optimizer) this.#savedOptimizer = this.#optimizer.value.exportState();
    return this.#savedOptimizer;
  }

  /**
   * Trains in the largest micro-batch that memory allows; running out of it costs the attempt, not the task
   * (SPEC TRAIN-5). After a failure no step of it is left in the optimiser. Throws `NOT_FINITE` when the weights overflow;
   * the optimiser then starts anew.
   */
  async train(work: LocalWork): Promise<LocalTrainingResult> {
    const { rowsPerStep, sequenceLength } = work.settings;
    const endMs = this.#ports.nowMs() + work.windowMs;
    const sizes = microBatchesOf(rowsPerStep, sequenceLength).filter((size) => size <= this.#largestBatch);
    for (const batch of sizes) {
      try {
        return await this.#attempt(work, { batch, endMs });
      } catch (error) {
        if (errorCodeOf(error) === 'NOT_FINITE')
          await this.#forgetOptimizer(); // it has seen what overflowed
        else await this.#closeOptimizer(); // it has taken steps that are taken again
        if (batch === 1 || !isOutOfMemory(error)) throw error;
        await this.#forgetGradient();
        this.#largestBatch = batch - 1;
      }
    }
    throw new Error(
      'cannot happen: a micro-batch of one row is always among the sizes, and returns or throws',
    );
  }

  async dispose(): Promise<void> {
    this.exportOptimizer();
    await this.#forgetGradient();
    await this.#closeOptimizer();
  }

  async #attempt(
    { settings, rows, steps, base }: LocalWork,
    { batch, endMs }: { batch: number; endMs: number },
  ): Promise<LocalTrainingResult> {
    const { nowMs, stopRequested, onStep } = this.#ports;
    const optimizer = await this.#optimizerFor(settings);
    const gradientFunction = await this.#gradientFor(batch, settings.sequenceLength);
    const pacer = paceSteps(endMs - nowMs(), nowMs, stopRequested);
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
        onStep({ step, steps, lossNats, skipped });
      },
    });
  }

  async #gradientFor(batch: number, sequenceLength: number): Promise<StepGradient> {
    const key = `${batch}x${sequenceLength}`;
    if (this.#gradient?.key === key) return this.#gradient.value;
    await this.#forgetGradient();
    const { model, threads } = this.#options;
    const value = await this.#ports.compute.gradientFunction(model, { batch, sequenceLength, threads });
    this.#gradient = { key, value };
    return value;
  }

  async #optimizerFor(settings: TaskSettings): Promise<InnerOptimizer> {
    const key = `${settings.optimizer} ${settings.weightDecay}`;
    if (this.#optimizer?.key === key) return this.#optimizer.value;
    const saved = this.exportOptimizer();
    await this.#closeOptimizer();
    const { layout, threads } = this.#options;
    const value = await this.#ports.compute.optimizer(settings, layout, threads);
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
    this.#savedOptimizer = undefined;
    await this.#closeOptimizer();
  }

  /** The next one begins with what was exported. */
  async #closeOptimizer(): Promise<void> {
    const old = this.#optimizer;
    this.#optimizer = undefined;
    await old?.value.dispose();
  }
}
