/**
 * @file An objective's gradient with weights and gradients on the device: tokens and what the objective feeds go in, what
 * it reports comes out, nothing else crosses. The same graph as `openGradientSession`; the embedding's gradient is
 * scattered there as well. In FP16 gradients stay scaled, and whoever uses them takes the scale out (LossScale): one pass
 * less over them.
 */
import {
  type DeviceSession,
  type DeviceTensor,
  gradients,
  input,
  mul,
  openDeviceSession,
  type Platform,
  placeRows,
  scatterAddRows,
  type Traffic,
  tensorOf,
  type Value,
} from '@alice/engine';
import { layoutOf, type TensorSpec } from '@alice/protocol';
import type { FunctionOptions, Objective } from '../gradientSession.js';
import { LossScale } from '../LossScale.js';
import { type LossGraph, lossGraph } from '../lossGraph.js';
import { checkConfig, type ModelConfig } from '../ModelConfig.js';
import { modelLayout } from '../modelLayout.js';
import type { ObjectiveRecipe } from '../objectives/recipe.js';
import { splitInputsAndLabels } from '../splitInputsAndLabels.js';
import { allWeightInputs, type WeightInput } from '../transformer.js';
import { gradientName } from '../weightFeeds.js';
import { embeddingPlaces, slotCount } from './embeddingPlaces.js';

/** One tensor on the device: a run of the flat vector that one or several adjacent tensors of the layout make up. */
export interface DevicePart {
  readonly offset: number;
  readonly size: number;
  readonly shape: readonly number[];
  /** Their offsets are within the part. */
  readonly tensors: readonly TensorSpec[];
}

export interface DeviceGradient {
  readonly lossNats: number;
  /** One for each part, of the mean loss times `scale`. To be released. */
  readonly gradients: readonly DeviceTensor[];
  readonly scale: number;
}

export interface DeviceGradientFunction<Batch = Uint16Array> {
  readonly batch: number;
  readonly sequenceLength: number;
  /** What the model's weights are cut into there, in layout order. */
  readonly parts: readonly DevicePart[];
  /** Where it computes, for whoever goes on from the gradients there. */
  readonly device: { readonly platform: Platform; readonly threads: number; readonly traffic: Traffic };
  /** `weights`: one for each part. Throws as `GradientFunction` does. */
  run(weights: readonly DeviceTensor[], batch: Batch): Promise<DeviceGradient>;
  /** Told whether gradients were finite; true: they overflowed in FP16 and are worth computing again at a smaller scale. */
  shouldRepeat(finite: boolean): boolean;
  dispose(): Promise<void>;
}

export interface DeviceFunctionOptions extends FunctionOptions {
  /** One that keeps values. */
  readonly platform: Platform;
}

const SCALE = 'loss scale';

/** Throws `CONFIG_INVALID`, `SEQUENCE_TOO_LONG`. */
export async function openDeviceGradient<Batch>(
  config: ModelConfig,
  options: DeviceFunctionOptions,
  recipe: ObjectiveRecipe<Batch>,
): Promise<DeviceGradientFunction<Batch>> {
  const { batch, sequenceLength, threads, platform, precision, onLossScale } = options;
  const graph = lossGraph(checkConfig(config), options);
  const weights = allWeightInputs(graph.weights);
  const halves = precision === 'fp16';
  const traffic: Traffic = { toDevice: 0, fromDevice: 0 };
  const objective = recipe.objective(graph);
  const session = await openGraph(graph, weights, { ...options, traffic, config, objective });
  const scale = new LossScale();
  const rows = batch * sequenceLength;
  const names = weights.map(({ value }) => value.attributes.name);
  return {
    ...{ batch, sequenceLength, parts: partsOf(config, weights), device: { platform, threads, traffic } },
    async run(onDevice, lesson) {
      const shape = { ...options, vocab: config.vocab, rows: batch };
      const { tokens, feeds } = recipe.inputs(lesson);
      const { inputs, labels } = splitInputsAndLabels(tokens, shape);
      const places = embeddingPlaces(inputs, config.vocab);
      const { kept, read } = await session.run({
        ...Object.fromEntries(names.map((name, i) => [name, onDevice[i]!])),
        ...{ inputs: tensorOf(inputs, [rows]), labels: tensorOf(labels, [rows]), ...feeds },
        slots: tensorOf(places.slots, [rows]),
        places: tensorOf(places.tokens, [places.tokens.length]),
        ...(halves ? { [SCALE]: tensorOf(Float32Array.of(scale.value), []) } : {}),
      });
      const ordered = weights.map((weight) => kept[gradientName(weight)]!);
      return { lossNats: recipe.lossNats(read), gradients: ordered, scale: halves ? scale.value : 1 };
    },
    shouldRepeat(finite) {
      const repeat = halves && scale.shouldRepeat(finite);
      if (repeat) onLossScale?.(scale.value);
      return repeat;
    },
    dispose: () => session.release(),
  };
}

interface GraphOptions extends DeviceFunctionOptions {
  readonly config: ModelConfig;
  readonly traffic: Traffic;
  readonly objective: Objective;
}

async function openGraph(
  { embedded }: LossGraph,
  weights: readonly WeightInput[],
  { config, objective, precision, platform, threads, traffic, ...shape }: GraphOptions,
): Promise<DeviceSession> {
  const halfProducts = precision === 'fp16';
  const rows = shape.batch * shape.sequenceLength;
  const { output, report } = objective;
  const seed = halfProducts ? mul(objective.seed, input(SCALE, [])) : objective.seed;
  const [first, ...rest] = weights;
  const [embeddedRows, ...others] = gradients(
    output,
    [embedded, ...rest.map(({ value }) => value)],
    seed,
  ) as [Value, ...Value[]];
  const count = slotCount(rows, config.vocab);
  const sums = scatterAddRows(embeddedRows, input('slots', [rows], 'int32'), count); // (P, C)
  const table = placeRows(sums, input('places', [count], 'int32'), config.vocab); // (V, C)
  const named = [table, ...others].map((value, i) => [gradientName(weights[i]!), value] as const);
  return await openDeviceSession(
    { ...report, ...Object.fromEntries(named) },
    {
      ...{ platform, threads, traffic, halfProducts, lean: shape.lean },
      keep: [first!, ...rest].map(gradientName),
    },
  );
}

function partsOf(config: ModelConfig, weights: readonly WeightInput[]): DevicePart[] {
  const { tensors } = modelLayout(config);
  return weights.map(({ value, offset, size }) => {
    const within = tensors.filter((spec) => spec.offset >= offset && spec.offset < offset + size);
    const own = layoutOf(within.map(({ name, shape }) => [name, shape] as const)).tensors;
    return { offset, size, shape: value.shape, tensors: own };
  });
}
