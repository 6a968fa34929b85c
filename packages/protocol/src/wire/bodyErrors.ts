/** @file The refusals that reading and writing a sparse body share. */
import { WireError } from './errors.js';

export function empty(): WireError {
  return new WireError(
    { code: 'WIRE_EMPTY' },
    'a tensor without entries must be left out, and a delta must have one',
  );
}

export function wrongCount(
  what: 'entries' | 'chunk' | 'tensors' | 'values',
  expected: number,
  got: number,
): WireError {
  return new WireError(
    { code: 'WIRE_COUNT', what, expected, got },
    `number of ${what}: ${got} where ${expected} is expected or the limit`,
  );
}

export function indexOrder(tensor: number, index: number, previous: number): WireError {
  return new WireError(
    { code: 'WIRE_INDEX_ORDER', tensor, index, previous },
    `tensor ${tensor}: index ${index} follows ${previous}; indices must strictly ascend`,
  );
}

export function indexRange(tensor: number, index: number, size: number): WireError {
  return new WireError(
    { code: 'WIRE_INDEX_RANGE', tensor, index, size },
    `tensor ${tensor}: index ${index} in a tensor of ${size} elements`,
  );
}

export function notFinite(tensor: number, index: number): WireError {
  return new WireError(
    { code: 'WIRE_NOT_FINITE', tensor, index },
    `tensor ${tensor}, index ${index}: the value is infinite or not a number`,
  );
}

export function notCanonical(atByte: number): WireError {
  return new WireError(
    { code: 'WIRE_NOT_CANONICAL', atByte },
    `near byte ${atByte} of its section: these entries have another encoding, the only one accepted`,
  );
}
