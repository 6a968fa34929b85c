/** @file Where an export takes weights from, one tensor at a time: a flat vector in memory, or anything that can read. */
import type { TensorLayout, TensorSpec } from '@alice/protocol';
import type { ModelConfig } from '../ModelConfig.js';
import { modelLayout } from '../modelLayout.js';
import { checkParameters } from '../weightFeeds.js';

export interface TensorSource {
  readonly layout: TensorLayout;
  /** FP32 values of one tensor, row-major. May be asked for more than once. */
  read(tensor: TensorSpec): Promise<Float32Array>;
}

/** The tensors of a flat vector, as views. Throws `PARAMETERS_SIZE`. */
export function tensorsOf(config: ModelConfig, parameters: Float32Array): TensorSource {
  const layout = modelLayout(config);
  checkParameters(parameters, layout.size);
  return { layout, read: async ({ offset, size }) => parameters.subarray(offset, offset + size) };
}
