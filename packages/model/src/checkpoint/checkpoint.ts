/** @file A model that was opened, whatever its files are, and what is asked of every tensor. */
import { errorCodeOf, type TensorSpec } from '@alice/protocol';
import type { ModelConfig } from '../ModelConfig.js';
import { modelLayout } from '../modelLayout.js';
import { vocabOf } from '../tokenizer/openTokenizer.js';
import { CheckpointError } from './checkpointError.js';
import type { CheckpointFacts } from './huggingFaceConfig.js';
import type { TensorSource } from './tensorSource.js';

export interface Checkpoint extends TensorSource {
  readonly config: ModelConfig;
  readonly facts: CheckpointFacts;
  /** All weights as one flat vector in layout order. Throws `CHECKPOINT_*`. */
  parameters(): Promise<Float32Array>;
  close(): Promise<void>;
}

export function checkpointOf(opened: Pick<Checkpoint, 'config' | 'facts' | 'read' | 'close'>): Checkpoint {
  const layout = modelLayout(opened.config);
  return {
    ...{ ...opened, layout },
    async parameters() {
      const vector = new Float32Array(layout.size);
      for (const spec of layout.tensors) vector.set(await opened.read(spec), spec.offset);
      return vector;
    },
  };
}

/** Throws `CHECKPOINT_CONFIG` where there is no such tokenizer, or it has another number of ids than the model. */
export function requireVocab(
  file: string,
  of: { readonly config: ModelConfig; readonly facts: CheckpointFacts; readonly field: string },
): void {
  const { config, facts, field } = of;
  if (idsOf(facts.tokenizerId) === config.vocab) return;
  throw new CheckpointError(
    { code: 'CHECKPOINT_CONFIG', file, field },
    `${file}: "${field}" is "${facts.tokenizerId}", which is no tokenizer with the ${config.vocab} ids of this model. Copy or export the checkpoint again`,
  );
}

function idsOf(tokenizerId: string): number | undefined {
  try {
    return vocabOf(tokenizerId);
  } catch (error) {
    if (errorCodeOf(error) === 'TOKENIZER_UNKNOWN') return undefined;
    throw error;
  }
}

/** Throws `CHECKPOINT_SHAPE`. */
export function requireShape(
  file: string,
  { name, shape }: Pick<TensorSpec, 'name' | 'shape'>,
  want: readonly number[],
): void {
  if (shape.length === want.length && shape.every((dim, i) => dim === want[i])) return;
  throw new CheckpointError(
    { code: 'CHECKPOINT_SHAPE', file, tensor: name, want, got: shape },
    `${file}, tensor "${name}" is (${shape}), the model's settings make it (${want}): the two belong to different models`,
  );
}

/** Returns the values. Throws `CHECKPOINT_NOT_FINITE`. */
export function requireFinite(file: string, tensor: string, values: Float32Array): Float32Array {
  const element = values.findIndex((value) => !Number.isFinite(value));
  if (element < 0) return values;
  throw new CheckpointError(
    { code: 'CHECKPOINT_NOT_FINITE', file, tensor, element },
    `${file}, tensor "${tensor}": element ${element} is not a finite number; this model cannot be used`,
  );
}

/**
 * Throws `CHECKPOINT_TENSOR_MISSING` where the settings announce more blocks than the files have tensors: a layout is not
 * laid out for a number that somebody wrote into a file.
 */
export function requireBlocks(file: string, { layers }: ModelConfig, tensors: number): void {
  if (layers <= tensors) return;
  const tensor = `model.layers.${layers - 1}.input_layernorm.weight`;
  throw new CheckpointError(
    { code: 'CHECKPOINT_TENSOR_MISSING', file, tensor },
    `${file}: the settings announce ${layers} blocks, but there are only ${tensors} tensors; "${tensor}" is missing`,
  );
}
