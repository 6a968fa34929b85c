/** @file Numbers with a shape, as they go in and out of a session. Holds its array by reference; never copies. */
import type { Shape } from '../graph/value.js';

export type TensorData =
  | { readonly dtype: 'float32'; readonly shape: Shape; readonly data: Float32Array }
  | { readonly dtype: 'int32'; readonly shape: Shape; readonly data: Int32Array }
  | { readonly dtype: 'float16'; readonly shape: Shape; readonly data: Uint16Array };

/** Row-major numbers of a shape; the array type says which kind. */
export function tensorOf(data: TensorData['data'], shape: Shape): TensorData {
  if (data instanceof Uint16Array) return { dtype: 'float16', shape, data };
  return data instanceof Float32Array ? { dtype: 'float32', shape, data } : { dtype: 'int32', shape, data };
}
