/**
 * @file Canonical Huffman codes as DEFLATE describes them (RFC 1951 §3.2.2): from code lengths to a decoder. Codes up
 * to `FAST_BITS` decode by one look-up, longer ones bit by bit. The table is small and its memory is used again on
 * purpose: a hostile stream may announce a new code every few bytes, and building it must stay cheap.
 */
export const FAST_BITS = 10;
const MAX_BITS = 15;

export class HuffmanCode {
  /** Indexed by the next `FAST_BITS` bits: symbol · 16 + length, or 0 where the code is longer or does not exist. */
  readonly fast = new Uint16Array(1 << FAST_BITS);
  /** How many codes have each length. */
  readonly counts = new Uint16Array(MAX_BITS + 1);
  /** Symbols in canonical order, as many as have a code. */
  readonly symbols: Uint16Array;
  private readonly offsets = new Uint16Array(MAX_BITS + 2);

  constructor(maxSymbols: number) {
    this.symbols = new Uint16Array(maxSymbols);
  }

  /**
   * Becomes the code with these lengths (0: symbol unused). Returns false for an over-subscribed code, and for an
   * incomplete one unless `allowSingle` and no code is longer than one bit (the one exception encoders make).
   */
  build(lengths: Uint8Array, allowSingle: boolean): boolean {
    const { counts, offsets, symbols } = this;
    counts.fill(0);
    for (let symbol = 0; symbol < lengths.length; symbol++)
      counts[lengths[symbol]!] = counts[lengths[symbol]!]! + 1;
    const unused = counts[0]!;
    counts[0] = 0;
    offsets[1] = 0;
    let left = 1;
    for (let bits = 1; bits <= MAX_BITS; bits++) {
      left = left * 2 - counts[bits]!;
      if (left < 0) return false;
      offsets[bits + 1] = offsets[bits]! + counts[bits]!;
    }
    const longestIsOne = counts[1]! + unused === lengths.length;
    if (left > 0 && !(allowSingle && longestIsOne)) return false;
    for (let symbol = 0; symbol < lengths.length; symbol++) {
      const length = lengths[symbol]!;
      if (length === 0) continue;
      symbols[offsets[length]!] = symbol;
      offsets[length] = offsets[length]! + 1;
    }
    this.fillFast();
    return true;
  }

  private fillFast(): void {
    const { fast, counts, symbols } = this;
    fast.fill(0);
    let code = 0;
    let next = 0;
    for (let length = 1; length <= FAST_BITS; length++) {
      for (let i = 0; i < counts[length]!; i++) {
        const entry = symbols[next++]! * 16 + length;
        // The stream delivers codes highest bit first into a low-bit-first reader, so the look-up is by reversed code.
        for (let slot = reverseBits(code, length); slot < fast.length; slot += 1 << length)
          fast[slot] = entry;
        code++;
      }
      code <<= 1;
    }
  }
}

function reverseBits(code: number, length: number): number {
  let reversed = 0;
  for (let i = 0; i < length; i++) reversed |= ((code >>> i) & 1) << (length - 1 - i);
  return reversed;
}
