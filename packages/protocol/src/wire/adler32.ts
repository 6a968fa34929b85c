/** @file The checksum that ends a zlib stream (RFC 1950 §9). Detects damage, not forgery. */

const MODULUS = 65_521;
/** Longest run for which the sums stay below 2³² without reduction. */
const RUN = 5552;

export function adler32(bytes: Uint8Array): number {
  let a = 1;
  let b = 0;
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(at + RUN, bytes.length);
    for (; at < end; at++) {
      a += bytes[at]!;
      b += a;
    }
    a %= MODULUS;
    b %= MODULUS;
  }
  return ((b << 16) | a) >>> 0;
}
