/**
 * @file Seeded randomness that every party reproduces: data assignment, batch choice, weight init.
 * Generator: xoshiro128** (Blackman and Vigna), seeded by SHA-256 of the seed text. Never for keys or nonces.
 */
import { utf8 } from './bytes.js';
import { sha256 } from './hash.js';

export interface Random {
  /** Uniform integer in [0, 2³²). */
  u32(): number;
  /** Uniform integer in [0, bound), without modulo bias; 1 ≤ bound ≤ 2³². */
  below(bound: number): number;
  /** Uniform in [0, 1) with 53 random bits. */
  unit(): number;
  /** Standard normal (Box–Muller, cosine branch). */
  normal(): number;
}

const rotl = (x: number, k: number): number => (x << k) | (x >>> (32 - k));

/** A generator whose whole sequence is a pure function of `seed`. */
export function seededRandom(seed: string): Random {
  const digest = new DataView(sha256(utf8.encode(seed)).buffer);
  // Signed: V8 keeps small integers without allocating, and has none above 2³¹.
  let a = digest.getInt32(0, true);
  let b = digest.getInt32(4, true);
  let c = digest.getInt32(8, true);
  let d = digest.getInt32(12, true) | 1;

  const next = (): number => {
    const result = Math.imul(rotl(Math.imul(b, 5), 7), 9);
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = rotl(d, 11);
    return result;
  };
  const u32 = (): number => next() >>> 0;
  const unit = (): number => ((next() >>> 5) * 67_108_864 + (next() >>> 6)) / 9_007_199_254_740_992;
  const below = (bound: number): number => {
    const limit = Math.floor(4_294_967_296 / bound) * bound;
    for (;;) {
      const value = u32();
      if (value < limit) return value % bound;
    }
  };
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - unit())) * Math.cos(2 * Math.PI * unit());
  return { u32, below, unit, normal };
}
