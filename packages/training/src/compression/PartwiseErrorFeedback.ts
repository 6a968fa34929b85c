/**
 * @file Error feedback (see `errorFeedback`) for models that do not fit into memory: residual and delta come a part at a time, and
 * so does the residual that is left, bit for bit the same. What is owed before anything is sent is put aside in between, 4
 * bytes an element; memory is a part and what is sent.
 */
import { bytesOf, type Scratch, type SparseDelta, type TensorLayout } from '@alice/protocol';
import type { WeightReader } from '../aggregation/foldSubmissions.js';
import { applyDelta } from '../applyDelta.js';
import { requireFinite, requireLength } from '../errors.js';
import { checkDelta, flatEntriesIn } from '../flatDelta.js';
import { type ErrorFeedbackOptions, requireDecay } from './errorFeedback.js';
import { type PartwiseTopK, partwiseTopK } from './topK.js';

const FLOAT_BYTES = 4;

export interface PartwiseErrorFeedbackOptions extends ErrorFeedbackOptions {
  /** What the rounds before have left, if anything. Read once, in order, in the parts that the delta comes in. */
  readonly residual?: WeightReader | undefined;
  /** Empty; nobody else's. */
  readonly scratch: Scratch;
}

/** One round: every part is added, then it is compressed, then what is left is asked for. */
export class PartwiseErrorFeedback {
  readonly #layout: TensorLayout;
  readonly #options: PartwiseErrorFeedbackOptions;
  readonly #topK: PartwiseTopK;
  #added = 0;
  #mostPart = 0;

  /** Throws `SETTING_INVALID`. */
  constructor(layout: TensorLayout, options: PartwiseErrorFeedbackOptions) {
    const { decay, density, selection = 'chunked' } = options;
    requireDecay(decay);
    this.#layout = layout;
    this.#options = options;
    this.#topK = partwiseTopK({ layout, density, selection });
  }

  /** The delta's next elements in layout order, which are overwritten. Throws `NOT_FINITE`, what `residual` and `scratch` throw. */
  async add(delta: Float32Array): Promise<void> {
    const { decay, residual, scratch } = this.#options;
    requireFinite(delta, this.#added);
    const before = await residual?.(this.#added, delta.length);
    // Where nothing was left it is +0, as a residual of zeros has it: what is sent of a −0 would differ.
    for (let i = 0; i < delta.length; i++) delta[i] = (before ? decay * before[i]! : 0) + delta[i]!;
    this.#topK.add(delta);
    scratch.append(bytesOf(delta));
    this.#added += delta.length;
    this.#mostPart = Math.max(this.#mostPart, delta.length);
  }

  /** What is sent, once every part was added: the largest elements, as they are decoded. */
  compress(): SparseDelta {
    requireLength('the delta', this.#added, this.#layout.size);
    const selected = this.#topK.select(() => this.#owed());
    const sent = this.#options.asDecoded?.(selected) ?? selected;
    checkDelta(sent, this.#layout);
    return sent;
  }

  /** What is left when `sent` has been taken out, in layout order; each part is good until the next is asked for. */
  *rest(sent: SparseDelta): Generator<Float32Array> {
    let offset = 0;
    for (const part of this.#owed()) {
      const range = { offset, size: part.length };
      for (const entries of flatEntriesIn(sent, this.#layout, range)) applyDelta(part, entries, -1);
      yield part;
      offset += part.length;
    }
  }

  /** What was put aside, in parts as long as it came. */
  *#owed(): Generator<Float32Array> {
    const memory = new Float32Array(this.#mostPart);
    for (let offset = 0; offset < this.#added; offset += memory.length) {
      const part = memory.subarray(0, Math.min(memory.length, this.#added - offset));
      this.#options.scratch.read(FLOAT_BYTES * offset, bytesOf(part));
      yield part;
    }
  }
}
