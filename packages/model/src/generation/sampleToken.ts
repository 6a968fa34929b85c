/**
 * @file Draws one token from logits. Chance is an argument: the same number always draws the same token. Only what takes
 * part in the draw is sorted: a whole vocabulary would cost more time than the model does.
 */

export interface SampleOptions {
  /** 0: the likeliest token. */
  readonly temperature: number;
  /** Only the k likeliest take part; 0: all. Among equals the lower id wins. */
  readonly topK: number;
  /** Only the likeliest whose probabilities first sum to this take part, at least one; 1: all (Holtzman et al. 2020). */
  readonly topP?: number;
  /** Uniform in [0, 1). */
  readonly unit: number;
}

/** The token whose share of the cumulative probability `unit` falls into. First top-k, then top-p of what is left. */
export function sampleToken(logits: Float32Array, options: SampleOptions): number {
  const { temperature, topK, topP = 1, unit } = options;
  const best = likeliest(logits);
  if (temperature <= 0) return best;
  const tokens = topK > 0 && topK < logits.length ? topTokens(logits, topK) : undefined;
  const weightOf = (token: number): number => Math.exp((logits[token]! - logits[best]!) / temperature);
  const all = tokens ?? Uint32Array.from(logits, (_, token) => token);
  const kept = topP < 1 ? nucleus(all, weightOf, topP) : all;
  const weights = Float64Array.from(kept, weightOf);
  let left = unit * weights.reduce((sum, weight) => sum + weight, 0);
  for (const [i, weight] of weights.entries()) {
    left -= weight;
    if (left < 0) return kept[i]!;
  }
  return best; // rounding left a crumb past the end
}

function likeliest(logits: Float32Array): number {
  let best = 0;
  for (let token = 1; token < logits.length; token++) if (logits[token]! > logits[best]!) best = token;
  return best;
}

/** The k likeliest tokens, likeliest first: a sorted list that most tokens do not even enter. */
function topTokens(logits: Float32Array, k: number): Uint32Array {
  const top = new Uint32Array(k);
  let length = 0;
  for (let token = 0; token < logits.length; token++) {
    const logit = logits[token]!;
    if (length === k && logit <= logits[top[k - 1]!]!) continue;
    let low = 0;
    for (let high = length; low < high; ) {
      const middle = (low + high) >>> 1;
      if (logits[top[middle]!]! >= logit) low = middle + 1;
      else high = middle;
    }
    top.copyWithin(low + 1, low, Math.min(length, k - 1));
    top[low] = token;
    if (length < k) length++;
  }
  return top;
}

/** The fewest likeliest tokens whose probabilities sum to at least `share`, likeliest first. */
function nucleus(tokens: Uint32Array, weightOf: (token: number) => number, share: number): Uint32Array {
  const weights = new Map<number, number>();
  let total = 0;
  for (const token of tokens) {
    const weight = weightOf(token);
    weights.set(token, weight);
    total += weight;
  }
  // All tokens below this share sum to less than what may be left out, so none of them is in the nucleus.
  const least = (total * (1 - share)) / tokens.length;
  const sorted = tokens
    .filter((token) => weights.get(token)! >= least)
    .sort((a, b) => weights.get(b)! - weights.get(a)! || a - b);
  let sum = 0;
  const end = sorted.findIndex((token) => {
    sum += weights.get(token)!;
    return sum >= share * total;
  });
  return end < 0 ? sorted : sorted.subarray(0, end + 1);
}
