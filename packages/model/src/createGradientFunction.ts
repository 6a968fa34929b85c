/**
 * @file The gradient of the mean next-token loss over one micro-batch, as one compiled graph. Gradients of all tensors
 * but the embedding are written by ONNX Runtime straight into the caller's vector; the embedding's is a scatter of the
 * gradient of the embedded rows, done here in token order, so it is reproducible.
 */
import { filled, gradients, openSession, reduceMean, tensorOf, type Value } from '@alice/engine';
import type { GradientFunction } from './interface.js';
import { type LossGraph, lossGraph } from './lossGraph.js';
import { checkConfig, type ModelConfig } from './ModelConfig.js';
import { parameterCount } from './modelLayout.js';
import { splitInputsAndLabels } from './splitInputsAndLabels.js';
import { allWeightInputs, type BatchShape, type WeightInput } from './transformer.js';
import { checkParameters, gradientBuffers, gradientName, weightFeeds } from './weightFeeds.js';

export interface FunctionOptions extends BatchShape {
  /** Threads one run may use; ≥ 1. */
  readonly threads: number;
  /** Hold only the memory that is in use at any moment; markedly slower where models are large. */
  readonly lean?: boolean;
}

/**
 * Compiles the function for one batch shape. Throws `SEQUENCE_TOO_LONG`; `run` throws `TOKENS_RAGGED`, `TOKEN_OUT_OF_RANGE`, `PARAMETERS_SIZE`.
 * Cost of a run: about 6·parameters floating-point operations a token; blocks the thread on Node.
 */
export async function createGradientFunction(
  config: ModelConfig,
  options: FunctionOptions,
): Promise<GradientFunction> {
  const { batch, sequenceLength, threads, lean = false } = options;
  const graph = lossGraph(checkConfig(config), options);
  const rest = allWeightInputs(graph.weights).slice(1);
  const size = parameterCount(config);
  const session = await openSession(gradientOutputs(graph, rest), { threads, lean });
  const rows = batch * sequenceLength;
  const tableSize = config.vocab * config.width;
  return {
    batch,
    sequenceLength,
    async run(parameters, tokens, gradient) {
      checkParameters(parameters, size);
      checkParameters(gradient, size);
      const { inputs, labels } = splitInputsAndLabels(tokens, {
        ...options,
        vocab: config.vocab,
        rows: batch,
      });
      const feeds = {
        ...weightFeeds(parameters, allWeightInputs(graph.weights)),
        inputs: tensorOf(inputs, [rows]),
        labels: tensorOf(labels, [rows]),
      };
      const { loss, embedded } = await session.run(feeds, gradientBuffers(gradient, rest));
      scatterRows(embedded!.data as Float32Array, inputs, gradient.subarray(0, tableSize));
      return loss!.data[0]!;
    },
    dispose: () => session.release(),
  };
}

function gradientOutputs(
  { losses, embedded }: LossGraph,
  rest: readonly WeightInput[],
): Record<string, Value> {
  const seed = filled(1 / losses.shape[0]!, losses.shape);
  const [rows, ...others] = gradients(losses, [embedded, ...rest.map(({ value }) => value)], seed);
  const named = rest.map((weight, i) => [gradientName(weight), others[i]!] as const);
  return { loss: reduceMean(losses, [0]), embedded: rows!, ...Object.fromEntries(named) };
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
