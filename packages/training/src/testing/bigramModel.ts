/**
 * @file A model small enough to check by hand that still learns from text: next-token softmax regression on the
 * current token (a bigram table of logits). For tests; the same interfaces as the transformer.
 */
import type { GradientFunction, LossFunction } from '@alice/model';
import { layoutOf, seededRandom, type TensorLayout } from '@alice/protocol';

export interface BigramModel {
  readonly layout: TensorLayout;
  readonly gradientFunction: GradientFunction;
  readonly lossFunction: LossFunction;
}

/** Logits of the token after x are row x of a (vocab, vocab) table. */
export function bigramModel(shape: { vocab: number; sequenceLength: number; batch: number }): BigramModel {
  const { vocab, sequenceLength, batch } = shape;
  const dispose = async () => {};
  const gradientFunction: GradientFunction = {
    batch,
    sequenceLength,
    dispose,
    run: async (parameters, tokens, gradient) => {
      gradient.fill(0);
      const losses = rowLosses({ parameters, tokens, vocab, sequenceLength, gradient });
      const scale = 1 / (losses.length * sequenceLength);
      for (let i = 0; i < gradient.length; i++) gradient[i]! *= scale;
      return losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
    },
  };
  const lossFunction: LossFunction = {
    batch,
    sequenceLength,
    dispose,
    run: async (parameters, tokens) => rowLosses({ parameters, tokens, vocab, sequenceLength }),
  };
  return { layout: layoutOf([['bigram_proj.weight', [vocab, vocab]]]), gradientFunction, lossFunction };
}

interface Pass {
  readonly parameters: Float32Array;
  readonly tokens: Uint16Array;
  readonly vocab: number;
  readonly sequenceLength: number;
  /** Gets the summed gradient added. */
  readonly gradient?: Float32Array;
}

function rowLosses({ parameters, tokens, vocab, sequenceLength, gradient }: Pass): Float64Array {
  const rowLength = sequenceLength + 1;
  const losses = new Float64Array(tokens.length / rowLength);
  for (let row = 0; row < losses.length; row++) {
    for (let t = 0; t < sequenceLength; t++) {
      const from = tokens[row * rowLength + t]! * vocab;
      const label = tokens[row * rowLength + t + 1]!;
      const logits = parameters.subarray(from, from + vocab);
      const largest = logits.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
      const weights = Float64Array.from(logits, (x) => Math.exp(x - largest));
      const total = weights.reduce((a, b) => a + b, 0);
      losses[row]! += (Math.log(total) + largest - logits[label]!) / sequenceLength;
      if (!gradient) continue;
      for (const [j, weight] of weights.entries()) gradient[from + j]! += weight / total;
      gradient[from + label]! -= 1;
    }
  }
  return losses;
}

/** Rows of a text in which each token has one likely and several possible successors. */
export function bigramRows(
  seed: string,
  shape: { rows: number; sequenceLength: number; vocab: number },
): Uint16Array {
  const random = seededRandom(`bigram/${seed}`);
  const rowLength = shape.sequenceLength + 1;
  const tokens = new Uint16Array(shape.rows * rowLength);
  for (let i = 0; i < tokens.length; i++) {
    const last = i % rowLength === 0 ? random.below(shape.vocab) : tokens[i - 1]!;
    tokens[i] = random.unit() < 0.7 ? (last * 7 + 3) % shape.vocab : random.below(shape.vocab);
  }
  return tokens;
}
