/**
 * @file Losses of one batch of rows before and after a delta, on one copy of the weights (SPEC SCORE-1). The delta is
 * applied in place; afterwards the saved original bits are put back, never computed by subtraction. The caller must
 * not use `parameters` for anything else until the promise settles.
 */
import type { LossFunction } from '@alice/model';
import { applyDelta } from '../applyDelta.js';
import { requireLength } from '../errors.js';
import type { FlatDelta } from '../flatDelta.js';

export interface PairedScoreOptions {
  readonly lossFunction: LossFunction;
  readonly parameters: Float32Array;
  readonly delta: FlatDelta;
  /** How much of the delta is applied: a quarter step measures direction, a full one also overshoot (SPEC SCORE-4). */
  readonly stepFraction: number;
  /** n rows × (sequenceLength + 1) token ids, chosen after the submission was committed. */
  readonly rows: Uint16Array;
  /** The losses of these rows at these weights, if they are known already: once per (version, batch) is enough. */
  readonly lossesBefore?: Float64Array;
}

export interface PairedScore {
  /** Per row, nats. */
  readonly before: Float64Array;
  readonly after: Float64Array;
}

/** Cost: one evaluation of the rows, two without `lossesBefore`. Restores the weights even when evaluating throws. */
export async function pairedScore(options: PairedScoreOptions): Promise<PairedScore> {
  const { lossFunction, parameters, delta, rows } = options;
  const before = options.lossesBefore ?? (await lossFunction.run(parameters, rows));
  const count = rows.length / (lossFunction.sequenceLength + 1);
  requireLength('the losses before', before.length, count);
  const saved = savedBits(parameters, delta);
  try {
    applyDelta(parameters, delta, options.stepFraction);
    return { before, after: await lossFunction.run(parameters, rows) };
  } finally {
    restoreBits(parameters, delta, saved);
  }
}

// Integers, not floats: a copy through a float register may change the payload of a NaN.
const bitsOf = (vector: Float32Array): Uint32Array =>
  new Uint32Array(vector.buffer, vector.byteOffset, vector.length);

function savedBits(parameters: Float32Array, { indices }: FlatDelta): Uint32Array {
  const bits = bitsOf(parameters);
  if (indices === null) return bits.slice();
  const saved = new Uint32Array(indices.length);
  for (let i = 0; i < indices.length; i++) saved[i] = bits[indices[i]!]!;
  return saved;
}

function restoreBits(parameters: Float32Array, { indices }: FlatDelta, saved: Uint32Array): void {
  const bits = bitsOf(parameters);
  if (indices === null) bits.set(saved);
  else for (let i = 0; i < indices.length; i++) bits[indices[i]!] = saved[i]!;
}
