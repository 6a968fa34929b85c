/** @file Everything the engine refuses, as data: a graph that does not fit together, or a run that does not fit it. */
import { CodedError } from '@alice/protocol';

export type EngineErrorInfo =
  | { code: 'SHAPE_MISMATCH'; op: string; shapes: readonly (readonly number[])[] } // inputs of this op do not fit
  | { code: 'DTYPE_MISMATCH'; op: string; dtypes: readonly string[] } // float32 where int32 is wanted, or the reverse
  | { code: 'ATTRIBUTE_INVALID'; op: string; attribute: string } // axis out of range, bad permutation, …
  | { code: 'GRAPH_INVALID'; op: string; position: number } // a pass produced a node its own op would refuse
  | { code: 'GRADIENT_MISSING'; op: string } // a gradient would have to pass an op that has no gradient
  | { code: 'GRADIENT_UNREACHABLE'; shape: readonly number[] } // the output does not depend on this value
  | { code: 'NAME_DUPLICATE'; name: string } // two inputs, or an input and an output, carry the same name
  | { code: 'FEED_MISSING'; name: string; shape: readonly number[] } // the graph needs this input
  | { code: 'FEED_UNKNOWN'; name: string } // the graph has no such input
  | { code: 'FEED_SHAPE'; name: string; want: readonly number[]; got: readonly number[] }
  | { code: 'FEED_DTYPE'; name: string; want: string; got: string }
  | { code: 'OUTPUT_UNKNOWN'; name: string } // a buffer was offered for an output the graph does not have
  | { code: 'DEVICE_UNAVAILABLE'; device: string } // asked for by name and not to be had here
  | { code: 'SESSION_RELEASED' } // run() after release()
  | { code: 'OUT_OF_MEMORY'; stage: 'open' | 'run' } // memory for the graph cannot be had: take fewer rows at once
  | { code: 'SESSION_FAILED'; stage: 'open' | 'run' }; // ONNX Runtime refused; its message is in the cause

export class EngineError extends CodedError<EngineErrorInfo> {
  override name = 'EngineError';
}
