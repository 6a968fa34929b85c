/**
 * @file The constants that range encoder and decoder share. Source: Martin 1979, "Range encoding: an algorithm for
 * removing redundancy from a digitised message", with carries. The state is 31 bits wide, so that all of it stays in
 * what JavaScript engines keep as a machine integer, and integers alone decide: every machine codes alike.
 */

/** Width of the coder's window. */
export const WINDOW = 0x7fff_ffff;
/** When the range falls below this, one byte leaves the window. */
export const BOTTOM = 1 << 23;
/** Largest number of equally likely symbols in one step. */
export const MAX_UNIFORM = 1 << 15;
/** Adaptive bits hold the chance of a zero in units of 2 to minus this power. */
export const CHANCE_BITS = 11;
/** A larger one learns slower and settles closer. */
export const LEARN_SHIFT = 5;

/** Contexts of adaptive bits, each starting at even chances. */
export function bitContexts(count: number): Uint16Array {
  return new Uint16Array(count).fill(1 << (CHANCE_BITS - 1));
}

/** The chance of a zero after `bit` was seen in this context; never 0 or 1. */
export function learned(chance: number, bit: number): number {
  return bit === 0
    ? chance + (((1 << CHANCE_BITS) - chance) >> LEARN_SHIFT)
    : chance - (chance >> LEARN_SHIFT);
}
