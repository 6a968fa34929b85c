/** @file Cuts the flat vector into the tensors a graph reads or writes, without copying. */
import { type TensorData, tensorOf } from '@alice/engine';
import { ModelError } from './errors.js';
import type { WeightInput } from './transformer.js';

/** Views of `parameters`, one for each input, by its name. */
export function weightFeeds(
  parameters: Float32Array,
  inputs: readonly WeightInput[],
): Record<string, TensorData> {
  return Object.fromEntries(
    inputs.map((weight) => [weight.value.attributes.name, viewOf(parameters, weight)]),
  );
}

export const GRADIENT_PREFIX = 'gradient of ';

/** The name of the output that holds the gradient of a weight input. */
export function gradientName({ value }: WeightInput): string {
  return `${GRADIENT_PREFIX}${value.attributes.name}`;
}

/** Views of `gradient` for those outputs to be written into. */
export function gradientBuffers(
  gradient: Float32Array,
  inputs: readonly WeightInput[],
): Record<string, TensorData> {
  return Object.fromEntries(inputs.map((weight) => [gradientName(weight), viewOf(gradient, weight)]));
}

function viewOf(vector: Float32Array, { value, offset, size }: WeightInput): TensorData {
  return tensorOf(vector.subarray(offset, offset + size), value.shape);
}

/** Throws `PARAMETERS_SIZE` unless the flat vector belongs to a model of `want` parameters. */
export function checkParameters(parameters: Float32Array, want: number): void {
  if (parameters.length !== want)
    throw new ModelError(
      { code: 'PARAMETERS_SIZE', want, got: parameters.length },
      `this model has ${want} parameters, the vector offered ${parameters.length}: it belongs to another model`,
    );
}
