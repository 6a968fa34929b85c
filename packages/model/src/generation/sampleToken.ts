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

/** Tokens that take part, each with its unnormalised probability. Plain loops: at times these are all tokens there are. */
interface Candidates {
  readonly tokens: Uint32Array;
  readonly weights: Float64Array;
}

/** The token whose share of the cumulative probability `unit` falls into. First top-k, then top-p of what is left. */
export function sampleToken(logits: Float32Array, options: SampleOptions): number {
  const { temperature, topK, topP = 1, unit } = options;
  const best = likeliest(logits);
  if (temperature <= 0) return best;
  const tokens = topK > 0 && topK < logits.length ? topTokens(logits, topK) : allTokens(logits.length);
  const weights = new Float64Array(tokens.length);
  for (let i = 0; i < tokens.length; i++)
    weights[i] = Math.exp((logits[tokens[i]!]! - logits[best]!) / temperature);
  const kept = topP < 1 ? nucleus({ tokens, weights }, topP) : { tokens, weights };
  let left = unit * sum(kept.weights);
  for (let i = 0; i < kept.tokens.length; i++) {
    left -= kept.weights[i]!;
    if (left < 0) return kept.tokens[i]!;
  }
  return best; // rounding left a crumb past the end
}

function sum(weights: Float64Array): number {
  let total = 0;
  for (let i = 0; i < weights.length; i++) total += weights[i]!;
  return total;
}

function allTokens(count: number): Uint32Array {
  const tokens = new Uint32Array(count);
  for (let token = 0; token < count; token++) tokens[token] = token;
  return tokens;
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
function nucleus({ tokens, weights }: Candidates, share: number): Candidates {
  const total = sum(weights);
  // All tokens below this share sum to less than what may be left out, so none of them is in the nucleus.
  const least = (total * (1 - share)) / tokens.length;
  const places: number[] = [];
  for (let i = 0; i < tokens.length; i++) if (weights[i]! >= least) places.push(i);
  places.sort((a, b) => weights[b]! - weights[a]! || tokens[a]! - tokens[b]!);
  let reached = 0;
  const last = places.findIndex((i) => {
    reached += weights[i]!;
    return reached >= share * total;
  });
  const kept = last < 0 ? places : places.slice(0, last + 1);
  return {
    tokens: Uint32Array.from(kept, (i) => tokens[i]!),
    weights: Float64Array.from(kept, (i) => weights[i]!),
  };
}
