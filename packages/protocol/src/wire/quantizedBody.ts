/**
 * @file The body of `binary_v3` behind its positions: how long scales and codes are, and how value codes of 2, 4
 * or 8 bits are packed, lowest bits first. Limit: counts of entries below 2³².
 */
import type { ValueBits } from './quantize.js';

/** Two scales of 16 bits a block. */
export const BLOCK_SCALE_BYTES = 4;

/** Bytes that hold the packed codes of so many entries. */
export function codeBytes(entries: number, bits: ValueBits): number {
  return Math.ceil((entries * bits) / 8);
}

/** Puts codes behind the `before` that `packed` holds already. */
export function packCodes(
  codes: Uint8Array,
  { packed, before, bits }: { packed: Uint8Array; before: number; bits: ValueBits },
): void {
  const shift = 3 - Math.log2(bits);
  const rest = (1 << shift) - 1;
  for (let i = 0; i < codes.length; i++) {
    const entry = before + i;
    packed[entry >>> shift]! |= codes[i]! << ((entry & rest) * bits);
  }
}
