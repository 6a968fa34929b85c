/** @file Draws one token from logits. Chance is an argument: the same number always draws the same token. */

export interface SampleOptions {
  /** 0: the likeliest token. */
  readonly temperature: number;
  /** Only the k likeliest take part; 0: all. Among equals the lower id wins. */
  readonly topK: number;
  /** Uniform in [0, 1). */
  readonly unit: number;
}

/** The token whose share of the cumulative probability `unit` falls into, likeliest first. */
export function sampleToken(logits: Float32Array, { temperature, topK, unit }: SampleOptions): number {
  const byLogit = Uint32Array.from(logits, (_, token) => token).sort(
    (a, b) => logits[b]! - logits[a]! || a - b,
  );
  const best = byLogit[0]!;
  if (temperature <= 0) return best;
  const kept = topK > 0 ? byLogit.subarray(0, topK) : byLogit;
  const weights = Float64Array.from(kept, (token) =>
    Math.exp((logits[token]! - logits[best]!) / temperature),
  );
  let left = unit * weights.reduce((sum, weight) => sum + weight, 0);
  for (const [i, weight] of weights.entries()) {
    left -= weight;
    if (left < 0) return kept[i]!;
  }
  return best; // rounding left a crumb past the end
}
