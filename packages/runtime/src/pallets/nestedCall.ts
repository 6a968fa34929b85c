/**
 * @file The type of a call inside a call. All calls together are known only where the pallets meet, and some of those
 * pallets take calls: the wiring binds the type once, while the program loads. Depth is bounded, so that decoding and
 * running a transaction never depend on the size of a machine's stack.
 */
import type { ScaleType } from '../scale/ScaleType.js';
import type { RuntimeCall } from './Pallet.js';

/** Levels of calls inside calls. */
export const MAX_CALL_DEPTH = 8;

let bound: ScaleType<RuntimeCall> | undefined;

export function bindNestedCall(type: ScaleType<RuntimeCall>): void {
  bound = type;
}

function target(): ScaleType<RuntimeCall> {
  if (!bound) throw new Error('cannot happen: the wiring binds the call type before anything is decoded');
  return bound;
}

export const nestedCall: ScaleType<RuntimeCall> = {
  name: 'RuntimeCall',
  /** Pallet index and call index. */
  minBytes: 2,
  write: (out, value) => target().write(out, value),
  read: (from) => from.nested(MAX_CALL_DEPTH, () => target().read(from)),
  describe: (idOf) => target().describe(idOf),
};
