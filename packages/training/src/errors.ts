/** @file Every coded error of the training package. Callers switch on `info.code`; refusals that are part of normal
 * operation (a losing delta, a rolled back round) are return values and not listed here. */
import { CodedError } from '@alice/protocol';

export type TrainingErrorInfo =
  /** Two vectors that must describe the same model do not have the same length. */
  | {
      readonly code: 'VECTOR_LENGTH';
      readonly what: string;
      readonly expected: number;
      readonly actual: number;
    }
  /** The rows handed to training or scoring do not fit the model's shape or the number of steps asked for. */
  | {
      readonly code: 'ROWS_INVALID';
      readonly reason: string;
      readonly expected: number;
      readonly actual: number;
    }
  /** A result contains NaN or infinity; it must not be sent. */
  | { readonly code: 'NOT_FINITE'; readonly what: string; readonly element: number }
  /** A delta points outside the model, is out of order, or carries a value no honest delta can have. */
  | {
      readonly code: 'DELTA_INVALID';
      readonly reason: string;
      readonly tensor: number;
      readonly entry: number;
    }
  /** A setting is outside its bounds. */
  | {
      readonly code: 'SETTING_INVALID';
      readonly setting: string;
      readonly value: unknown;
      readonly bounds: string;
    }
  /** Stored state (optimiser, error feedback) is damaged or belongs to something else. */
  | { readonly code: 'STATE_INVALID'; readonly kind: string; readonly reason: string }
  /** A downloaded blob does not have the hash it was asked by. */
  | { readonly code: 'REPLICA_BLOB_MISMATCH'; readonly expected: string; readonly actual: string }
  /** A copy in a file is asked for weights before any version is in it. */
  | { readonly code: 'REPLICA_EMPTY'; readonly dir: string }
  /** A page of a copy in a file is not what was written. */
  | { readonly code: 'REPLICA_DAMAGED'; readonly byte: number }
  /** A list of chunks that is not one of this model. */
  | { readonly code: 'REPLICA_SNAPSHOT_INVALID'; readonly sizeBytes: number; readonly expected: number }
  /** Settings that need the whole model in memory. */
  | { readonly code: 'NOT_STREAMABLE'; readonly setting: string; readonly value: unknown }
  /** Neither a snapshot nor a chain of deltas leads to the version wanted. */
  | { readonly code: 'REPLICA_UNAVAILABLE'; readonly version: number }
  /** The rebuilt weights do not have the published state root. */
  | {
      readonly code: 'REPLICA_ROOT_MISMATCH';
      readonly version: number;
      readonly expected: string;
      readonly actual: string;
    };

export class TrainingError extends CodedError<TrainingErrorInfo> {
  override name = 'TrainingError';
}

/** Refuses vectors of another model. */
export function requireLength(what: string, actual: number, expected: number): void {
  if (actual === expected) return;
  throw new TrainingError(
    { code: 'VECTOR_LENGTH', what, expected, actual },
    `${what} has ${actual} elements, the model has ${expected}: both must come from the same preset and tokenizer`,
  );
}

/** Refuses a delta that a bad step went into; `vector` is all of it, or its elements from `offset` on. */
export function requireFinite(vector: Float32Array, offset = 0): void {
  let sum = 0;
  for (let i = 0; i < vector.length; i++) sum += vector[i]! * 0; // 0 · x is 0 for finite x and NaN for the rest
  if (sum === 0) return;
  const element = offset + vector.findIndex((value) => !Number.isFinite(value));
  throw new TrainingError(
    { code: 'NOT_FINITE', what: 'the delta', element },
    `element ${element} of the delta is not finite: it is not sent; train again from the published version`,
  );
}

/** Refuses a setting outside its bounds. */
export function requireSetting(ok: boolean, setting: string, value: unknown, bounds: string): void {
  if (ok) return;
  throw new TrainingError(
    { code: 'SETTING_INVALID', setting, value, bounds },
    `setting ${setting} is ${String(value)}; it must be ${bounds}`,
  );
}
