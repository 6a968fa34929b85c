/** @file Whether the state of an optimiser that was read belongs to the model at hand. */
import type { TensorLayout } from '@alice/protocol';
import { TrainingError } from '../errors.js';
import type { StateContent } from '../sealedState.js';

/** Throws `STATE_INVALID` where sizes are another model's. */
export function requireOwnState(
  kind: string,
  { facts, vectors }: StateContent,
  own: { readonly layout: TensorLayout; readonly vectors: readonly Float32Array[] },
): void {
  const same =
    vectors.length === own.vectors.length && vectors.every((v, i) => v.length === own.vectors[i]!.length);
  if (facts['size'] === own.layout.size && same) return;
  throw new TrainingError(
    { code: 'STATE_INVALID', kind, reason: 'another model' },
    `the ${kind} state is for ${facts['size']} parameters, the model has ${own.layout.size}: delete it and start anew`,
  );
}
