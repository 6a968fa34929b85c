/**
 * @file Error feedback: what top-k leaves out is kept and sent later (SPEC WIRE-1). The codec owns the residual; it
 * survives model versions, restarts (`exportState`) and refused submissions (`giveBack`).
 * Method: Seide et al. 2014, "1-bit SGD"; Stich et al. 2018, "Sparsified SGD with memory".
 * Invariant per round: decoded(sent) + residual_after = decay · residual_before + delta, exactly in FP32.
 */
import type { SparseDelta, TensorLayout } from '@alice/protocol';
import { applyDelta } from '../applyDelta.js';
import { requireFinite, requireLength, requireSetting, TrainingError } from '../errors.js';
import { flattenDelta } from '../flatDelta.js';
import { openState, sealState } from '../sealedState.js';
import { type Selection, selectTopK } from './topK.js';

const KIND = 'RESI';

export interface ErrorFeedbackOptions {
  /** Share of elements sent, in (0, 1]. */
  readonly density: number;
  /** Share of the residual kept each round, in [0, 1]; 0 switches error feedback off (whitepaper preset). */
  readonly decay: number;
  readonly selection?: Selection | undefined;
  /**
   * What the receiver will decode of a delta, when the wire format rounds values: its rounding error then stays in
   * the residual too. Left out for formats that carry FP32 unchanged.
   */
  readonly asDecoded?: (delta: SparseDelta) => SparseDelta;
}

export class ErrorFeedback {
  /** What is owed to the network: flat, in layout order. Read only for callers. */
  readonly residual: Float32Array;
  readonly #layout: TensorLayout;
  readonly #options: ErrorFeedbackOptions;

  constructor(layout: TensorLayout, options: ErrorFeedbackOptions) {
    requireDecay(options.decay);
    this.residual = new Float32Array(layout.size);
    this.#layout = layout;
    this.#options = options;
  }

  /**
   * Adds `delta` to the decayed residual and takes the largest elements out of it.
   * Throws `NOT_FINITE` before anything changes, so one bad step cannot poison the residual for ever.
   */
  compress(delta: Float32Array): SparseDelta {
    requireLength('the delta', delta.length, this.#layout.size);
    requireFinite(delta);
    const { residual } = this;
    const { decay, density, selection = 'chunked', asDecoded } = this.#options;
    for (let i = 0; i < residual.length; i++) residual[i] = decay * residual[i]! + delta[i]!;
    const selected = selectTopK(residual, { layout: this.#layout, density, selection });
    const sent = asDecoded ? asDecoded(selected) : selected;
    applyDelta(residual, flattenDelta(sent, this.#layout), -1);
    return sent;
  }

  /** Returns a refused or lost submission to the residual, so that the work in it is not lost. */
  giveBack(sent: SparseDelta): void {
    applyDelta(this.residual, flattenDelta(sent, this.#layout), 1);
  }

  /** The residual as checked bytes. */
  exportState(): Uint8Array {
    return sealState(KIND, { facts: { size: this.#layout.size }, vectors: [this.residual] });
  }

  /** Throws `STATE_INVALID` when the bytes are damaged, not finite or of another model; then nothing changed. */
  importState(bytes: Uint8Array): void {
    const [vector] = openState(KIND, bytes).vectors;
    if (vector?.length !== this.#layout.size) {
      throw new TrainingError(
        { code: 'STATE_INVALID', kind: KIND, reason: 'another model' },
        `the residual has ${vector?.length ?? 0} elements, the model ${this.#layout.size}: delete it and start anew`,
      );
    }
    requireFinite(vector);
    this.residual.set(vector);
  }
}

/** Throws `SETTING_INVALID`. */
export function requireDecay(decay: number): void {
  requireSetting(decay >= 0 && decay <= 1, 'errorFeedbackDecay', decay, 'in [0, 1]');
}
