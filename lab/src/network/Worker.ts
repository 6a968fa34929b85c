/**
 * @file What one simulated device owns and keeps: its residual and the state of its optimiser. Trains with the real
 * local training. What it sends is decided by its behaviour, not here.
 */
import type { SparseDelta } from '@alice/protocol';
import { deltaAsDecoded } from '@alice/protocol';
import { ErrorFeedback, learningRateAt, trainLocally } from '@alice/training';
import type { Laboratory } from './Laboratory.js';
import type { LabSettings } from './settings.js';

export interface TrainingOrder {
  readonly base: Float32Array;
  readonly rows: Uint16Array;
  readonly steps: number;
  /** Inner steps before this task, for the schedule. */
  readonly firstStep: number;
}

export class Worker {
  readonly codec: ErrorFeedback;
  readonly #lab: Laboratory;
  readonly #settings: LabSettings;
  #optimizerState: Uint8Array;

  constructor(lab: Laboratory, settings: LabSettings, freshOptimizer: Uint8Array) {
    const { density, errorFeedbackDecay: decay, selection } = settings.training;
    this.codec = new ErrorFeedback(lab.layout, {
      density,
      decay,
      selection,
      asDecoded: (delta) => deltaAsDecoded(delta, settings.wire),
    });
    this.#lab = lab;
    this.#settings = settings;
    this.#optimizerState = freshOptimizer;
  }

  /** The dense delta of `steps` inner steps; read only for callers. */
  async train(order: TrainingOrder): Promise<Float32Array> {
    const { base, rows, steps, firstStep } = order;
    const inputs = [
      base,
      this.#optimizerState,
      rows,
      steps,
      firstStep,
      JSON.stringify(this.#settings.training),
    ];
    const { delta, state } = await this.#lab.trained.of(inputs, () => this.#train(order));
    this.#optimizerState = state;
    return delta;
  }

  async #train({ base, rows, steps, firstStep }: TrainingOrder) {
    const { optimizer, gradientFunction } = this.#lab;
    const { training } = this.#settings;
    optimizer.importState(this.#optimizerState);
    const { delta } = await trainLocally({
      gradientFunction,
      optimizer,
      base,
      rows,
      steps,
      rowsPerStep: training.rowsPerStep,
      clipNorm: training.gradientClip,
      learningRateAt: (step) => learningRateAt(training.schedule, firstStep + step),
    });
    return { delta, state: optimizer.exportState() };
  }

  compress(delta: Float32Array): SparseDelta {
    return this.codec.compress(delta);
  }

  /** What survives the round, to start other runs from the same moment. */
  exportState(): WorkerState {
    return { residual: this.codec.exportState(), optimizer: this.#optimizerState };
  }

  importState({ residual, optimizer }: WorkerState): void {
    this.codec.importState(residual);
    this.#optimizerState = optimizer;
  }
}

export interface WorkerState {
  readonly residual: Uint8Array;
  readonly optimizer: Uint8Array;
}
