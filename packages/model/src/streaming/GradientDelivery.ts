/**
 * @file How the gradients of a part leave the session that computes them, and how they reach the caller: whole, or only
 * the largest entries of each tensor.
 */
import { type NamedTensors, tensorOf, type Value } from '@alice/engine';
import type { SparseTensor, TensorSpec } from '@alice/protocol';
import { scatterRows } from '../gradientSession.js';
import { entriesOf, largestOutputs, type TensorPlace } from './largestEntries.js';
import { largestRowEntries } from './largestRowEntries.js';
import type { PartWeight } from './modelPart.js';
import { partRanges, type StreamContext } from './StreamContext.js';
import type { WeightRange } from './WeightSource.js';

/** One tensor's gradient of the mean loss. */
export interface TensorGradient {
  /** Position in the layout. */
  readonly tensor: number;
  readonly spec: TensorSpec;
  /** Only until the callback's promise settles: the memory is used again. */
  readonly values: Float32Array;
}

export interface GradientDelivery {
  /** Whether the head may be computed a few rows at a time: its gradient then grows in the caller's memory. */
  readonly cutsHead: boolean;
  /** Outputs of the graph for the gradients of a part. */
  outputs(
    part: readonly PartWeight[],
    gradients: readonly Value[],
    range: WeightRange,
  ): Record<string, Value>;
  /** Where the run of a micro-batch writes those outputs; the others are made anew. */
  buffers(part: readonly PartWeight[], group?: number): NamedTensors;
  /** After each run of a part but the head, whose gradient grows in place: takes its micro-batch to those before. */
  add(part: readonly PartWeight[], group: number): void;
  /** Hands over what was computed for the part at `range`; `results` are the last run's. */
  deliver(results: NamedTensors, range: WeightRange): Promise<void>;
  /** Hands over the gradient of the embedding: rows (N, C), to be added at the tokens (N). */
  deliverEmbedding(rows: Float32Array, tokens: Int32Array): Promise<void>;
}

/** The name of the output that holds the whole gradient of a part's weight. */
export function gradientOutput({ name }: Pick<PartWeight, 'name'>): string {
  return `gradient of ${name}`;
}

/** Every element of every gradient, in one memory as large as the largest part, and one as large as a block where there are more micro-batches. */
export function denseDelivery(
  context: StreamContext,
  onGradient: (gradient: TensorGradient) => void | Promise<void>,
): GradientDelivery {
  const { weights, layout } = context;
  const largest = Math.max(weights.embedding.size, ...partRanges(context).map(({ size }) => size));
  const memory = new Float32Array(largest);
  let latest: Float32Array | undefined;
  return {
    cutsHead: true,
    outputs: (part, gradients) =>
      Object.fromEntries(part.map((weight, i) => [gradientOutput(weight), gradients[i]!])),
    buffers(part, group = 0) {
      const last = part.at(-1)!;
      if (group > 0) latest ??= new Float32Array(last.offset + last.size);
      const into = group === 0 ? memory : latest!;
      return Object.fromEntries(
        part.map((weight) => {
          const own = into.subarray(weight.offset, weight.offset + weight.size);
          return [gradientOutput(weight), tensorOf(own, weight.shape)];
        }),
      );
    },
    add(_, group) {
      if (group === 0) return;
      for (let i = 0; i < latest!.length; i++) memory[i]! += latest![i]!;
    },
    async deliver(_, range) {
      for (const { tensor, spec } of tensorsIn(context, range)) {
        const from = spec.offset - range.offset;
        await onGradient({ tensor, spec, values: memory.subarray(from, from + spec.size) });
      }
    },
    async deliverEmbedding(rows, tokens) {
      const table = memory.subarray(0, weights.embedding.size);
      scatterRows(rows, tokens, table);
      await onGradient({ tensor: 0, spec: layout.tensors[0]!, values: table });
    },
  };
}

/** The largest entries of each chunk; the gradients themselves never leave the session. */
export function sparseDelivery(
  context: StreamContext,
  density: number,
  onEntries: (entries: SparseTensor) => void | Promise<void>,
): GradientDelivery {
  return {
    cutsHead: false,
    outputs(part, gradients, range) {
      const outputs = tensorsIn(context, range).map((place) => {
        const at = part.findIndex(({ offset, size }) => place.from >= offset && place.from < offset + size);
        const within = { ...place, tensor: place.tensor - firstTensor(context, range) };
        return largestOutputs(gradients[at]!, { ...within, from: place.from - part[at]!.offset }, density);
      });
      return Object.assign({}, ...outputs) as Record<string, Value>;
    },
    buffers: () => ({}),
    add(_, group) {
      if (group > 0) throw new Error('the largest entries of a sum are not those of its parts');
    },
    async deliver(results, range) {
      for (const place of tensorsIn(context, range)) {
        const within = { ...place, tensor: place.tensor - firstTensor(context, range) };
        const entries = { ...entriesOf(results, within, density), tensor: place.tensor };
        if (entries.indices.length > 0) await onEntries(entries);
      }
    },
    async deliverEmbedding(rows, tokens) {
      const size = context.weights.embedding.size;
      const entries = largestRowEntries(rows, tokens, { density, size });
      if (entries.indices.length > 0) await onEntries({ tensor: 0, ...entries });
    },
  };
}

/** The tensors of a range, each with its distance from the range's start. */
function tensorsIn({ layout }: StreamContext, { offset, size }: WeightRange): TensorPlace[] {
  return layout.tensors.flatMap((spec, tensor) => {
    const from = spec.offset - offset;
    return from >= 0 && from < size ? [{ tensor, spec, from }] : [];
  });
}

/** All blocks share a graph, so its outputs count tensors from the part's first. */
function firstTensor({ layout }: StreamContext, { offset }: WeightRange): number {
  return layout.tensors.findIndex((spec) => spec.offset === offset);
}
