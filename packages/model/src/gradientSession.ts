/**
 * @file A compiled graph that gives the gradient of an objective by every weight, whatever the objective: it says which
 * value is differentiated with which seed and what is reported beside. Gradients of all tensors but the embedding are
 * written by ONNX Runtime straight into the caller's vector; the embedding's is a scatter of the gradient of the
 * embedded rows, done here in token order, so it is reproducible. In FP16 the seed is scaled up and gradients are scaled
 * down again in FP32 (LossScale); a run that overflows all the same is repeated at a smaller scale.
 */
import {
  gradients,
  input,
  mul,
  type NamedTensors,
  openSession,
  type Platform,
  tensorOf,
  type Value,
} from '@alice/engine';
import { LossScale } from './LossScale.js';
import { type LossGraph, lossGraph } from './lossGraph.js';
import { checkConfig, type ModelConfig } from './ModelConfig.js';
import { parameterCount } from './modelLayout.js';
import { splitInputsAndLabels } from './splitInputsAndLabels.js';
import { allWeightInputs, type BatchShape, type WeightInput } from './transformer.js';
import {
  checkParameters,
  GRADIENT_PREFIX,
  gradientBuffers,
  gradientName,
  weightFeeds,
} from './weightFeeds.js';

export interface FunctionOptions extends BatchShape {
  /** Threads one run may use; ≥ 1. */
  readonly threads: number;
  /** Hold only the memory in use at any moment, which is slower. Default: where memory is short. */
  readonly lean?: boolean | undefined;
  /** Where graphs run; Node's CPU unless given. */
  readonly platform?: Platform | undefined;
  /**
   * `fp16`: matrix products take and give FP16, everything else and the weights stay FP32. For devices that are built
   * for it; a processor only gets slower. Gradient functions only. Default: `fp32`.
   */
  readonly precision?: 'fp32' | 'fp16';
  /** Told when FP16 gradients overflowed and are computed again at this smaller scale. */
  readonly onLossScale?: (scale: number) => void;
}

/** What is differentiated: Σ output·seed. */
export interface Objective {
  readonly output: Value;
  readonly seed: Value;
  /** Values handed back by these names; none may be called like a gradient. */
  readonly report: Readonly<Record<string, Value>>;
}

export interface GradientRun {
  readonly parameters: Float32Array;
  /** batch × (sequenceLength + 1) ids. */
  readonly tokens: Uint16Array;
  /** Overwritten. */
  readonly gradient: Float32Array;
  /** The objective's own inputs. */
  readonly feeds?: NamedTensors;
}

export interface GradientSession {
  /** Returns the objective's report. Throws `TOKENS_RAGGED`, `TOKEN_OUT_OF_RANGE`, `PARAMETERS_SIZE`. */
  run(run: GradientRun): Promise<NamedTensors>;
  dispose(): Promise<void>;
}

/** Compiles the graph for one batch shape. Throws `CONFIG_INVALID`, `SEQUENCE_TOO_LONG`. */
export async function openGradientSession(
  config: ModelConfig,
  options: FunctionOptions,
  objectiveOf: (graph: LossGraph) => Objective,
): Promise<GradientSession> {
  const { batch, sequenceLength, threads, lean, platform, precision = 'fp32' } = options;
  const graph = lossGraph(checkConfig(config), options);
  const rest = allWeightInputs(graph.weights).slice(1);
  const size = parameterCount(config);
  const halves = precision === 'fp16';
  const objective = objectiveOf(graph);
  const outputs = gradientOutputs(graph, rest, halves ? scaledUp(objective) : objective);
  const session = await openSession(halves ? scaledDown(outputs) : outputs, {
    ...{ threads, lean, platform, halfProducts: halves },
  });
  const scale = new LossScale();
  const rows = batch * sequenceLength;
  const tableSize = config.vocab * config.width;
  return {
    async run({ parameters, tokens, gradient, feeds = {} }) {
      checkParameters(parameters, size);
      checkParameters(gradient, size);
      const shape = { ...options, vocab: config.vocab, rows: batch };
      const { inputs, labels } = splitInputsAndLabels(tokens, shape);
      const all = {
        ...weightFeeds(parameters, allWeightInputs(graph.weights)),
        ...{ inputs: tensorOf(inputs, [rows]), labels: tensorOf(labels, [rows]), ...feeds },
      };
      const into = gradientBuffers(gradient, rest);
      for (;;) {
        const results = await session.run(halves ? { ...all, ...scaleFeeds(scale) } : all, into);
        const embedded = results[EMBEDDED]!.data as Float32Array;
        scatterRows(embedded, inputs, gradient.subarray(0, tableSize));
        if (!halves || !scale.shouldRepeat(allFinite(gradient))) return results;
        options.onLossScale?.(scale.value);
      }
    },
    dispose: () => session.release(),
  };
}

const EMBEDDED = `${GRADIENT_PREFIX}embedded rows`;

function gradientOutputs(
  { embedded }: LossGraph,
  rest: readonly WeightInput[],
  { output, seed, report }: Objective,
): Record<string, Value> {
  const [rows, ...others] = gradients(output, [embedded, ...rest.map(({ value }) => value)], seed);
  const named = rest.map((weight, i) => [gradientName(weight), others[i]!] as const);
  return { ...report, [EMBEDDED]: rows!, ...Object.fromEntries(named) };
}

const UP = 'loss scale';
const DOWN = 'inverse loss scale';

function scaledUp(objective: Objective): Objective {
  return { ...objective, seed: mul(objective.seed, input(UP, [])) };
}

/** Every gradient times the inverse scale; by name, since reported values are not scaled. */
function scaledDown(outputs: Record<string, Value>): Record<string, Value> {
  const inverse = input(DOWN, []);
  return Object.fromEntries(
    Object.entries(outputs).map(([name, value]) => [
      name,
      name.startsWith(GRADIENT_PREFIX) ? mul(value, inverse) : value,
    ]),
  );
}

function scaleFeeds({ value }: LossScale): NamedTensors {
  return {
    [UP]: tensorOf(Float32Array.of(value), []),
    [DOWN]: tensorOf(Float32Array.of(1 / value), []),
  };
}

/** One NaN or infinity makes the sum of x − x anything but zero. */
function allFinite(vector: Float32Array): boolean {
  let sum = 0;
  for (let i = 0; i < vector.length; i++) sum += vector[i]! - vector[i]!;
  return sum === 0;
}

/** table[token] += row, over a table that is zeroed first. */
export function scatterRows(rows: Float32Array, tokens: Int32Array, table: Float32Array): void {
  const width = rows.length / tokens.length;
  table.fill(0);
  for (let i = 0; i < tokens.length; i++) {
    const to = tokens[i]! * width;
    const from = i * width;
    for (let c = 0; c < width; c++) table[to + c] = table[to + c]! + rows[from + c]!;
  }
}
