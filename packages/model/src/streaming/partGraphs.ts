/**
 * @file The graphs a streamed model is computed with: a block forward, a block's gradient, and the head with or without
 * its gradient. Each holds one part's weights. The gradient of a block starts from the block's input: it computes the
 * block once more, which is what lets the forward pass forget everything else.
 */
import { filled, gradients, input, linearCrossEntropy, matmulAdd, rmsNorm, type Value } from '@alice/engine';
import type { ModelConfig } from '../ModelConfig.js';
import {
  type BatchShape,
  type BlockValues,
  type BlockWeights,
  rotaryAngles,
  transformerBlock,
} from '../transformer.js';
import type { PartWeight } from './modelPart.js';

type Outputs = Record<string, Value>;

/** The name of the input that a head's gradient is added to. */
export const SUM_SO_FAR = 'sum so far';

/** x (N, C) → y (N, C). */
export function blockForward(part: readonly PartWeight[], shape: ModelConfig & BatchShape): Outputs {
  return { y: blockOf(part, shape).y };
}

/** What a backward graph computes, before it is decided in which form the gradients of the weights leave it. */
export interface BackwardGraph {
  readonly outputs: Outputs;
  /** One for each weight of the part. */
  readonly gradients: readonly Value[];
}

/** x, dy (N, C) → dx (N, C) and the gradient of each weight. */
export function blockBackward(part: readonly PartWeight[], shape: ModelConfig & BatchShape): BackwardGraph {
  const { x, y } = blockOf(part, shape);
  const [dx, ...rest] = gradients(y, [x, ...part.map(({ value }) => value)], input('dy', y.shape));
  return { outputs: { dx: dx! }, gradients: rest };
}

function blockOf(part: readonly PartWeight[], shape: ModelConfig & BatchShape): { x: Value; y: Value } {
  const x = input('x', [shape.batch * shape.sequenceLength, shape.width]); // (N, C)
  const values = Object.fromEntries(BLOCK_ORDER.map((key, i) => [key, part[i]!])) as unknown as BlockValues;
  return { x, y: transformerBlock(x, values, { ...shape, angles: rotaryAngles(shape) }) };
}

/** Layout order of a block's weights. */
const BLOCK_ORDER: readonly (keyof BlockWeights)[] = [
  'attentionNorm',
  'qkv',
  'output',
  'ffnNorm',
  'gate',
  'up',
  'down',
];

export interface HeadShape {
  /** Rows of one run. */
  readonly rows: number;
  /** Rows the loss is the mean of. */
  readonly allRows: number;
  /** Whether the head's gradient is added to one computed before. */
  readonly adds: boolean;
}

/** x (R, C), labels (R) → losses (R). The part is the final norm and the head. */
export function headForward(part: readonly PartWeight[], config: ModelConfig, rows: number): Outputs {
  return { losses: headOf(part, config, rows).losses };
}

/** x (R, C), labels (R) → losses (R), dx (R, C) and the gradients of norm and head. */
export function headBackward(
  part: readonly PartWeight[],
  config: ModelConfig,
  shape: HeadShape,
): BackwardGraph {
  const { x, losses } = headOf(part, config, shape.rows);
  const [norm, head] = part;
  const seed = filled(1 / shape.allRows, losses.shape);
  const [dx, dNorm, dHead] = gradients(losses, [x, norm!.value, head!.value], seed);
  const total = shape.adds ? onto(dHead!, input(SUM_SO_FAR, head!.shape)) : dHead!;
  return { outputs: { losses, dx: dx! }, gradients: [dNorm!, total] };
}

/** A product that adds onto `sum` as it is computed, so `sum` and the result may be the same memory. */
function onto(product: Value, sum: Value): Value {
  if (product.op !== 'MatMul') throw new Error('the gradient of the head is one matrix product');
  const { inputs, attributes } = product as Value<'MatMul'>;
  return matmulAdd(inputs, sum, attributes);
}

function headOf(
  part: readonly PartWeight[],
  { width, normEps }: ModelConfig,
  rows: number,
): { x: Value; losses: Value } {
  const [norm, head] = part;
  const x = input('x', [rows, width]); // (R, C)
  const hidden = rmsNorm(x, norm!.value, normEps); // (R, C)
  return { x, losses: linearCrossEntropy(hidden, head!.value, input('labels', [rows], 'int32')) };
}
