/**
 * @file A document's MinHash signature: two documents agree in about as many of its 128 values as they share of their
 * word shingles (five words in a row, Jaccard). Words are runs of letters and digits, ASCII letters lower-cased, Han and
 * kana one by one; all else separates. One hash a shingle, dealt into 128 bins (one-permutation hashing, Li et al. 2012);
 * empty bins take the value of another bin drawn by a fixed hash (Shrivastava 2017). 32-bit integer arithmetic only: the
 * same on every machine.
 */

export const SIGNATURE_VALUES = 128;
/** 2 bytes a value, little endian. */
export const SIGNATURE_BYTES = 2 * SIGNATURE_VALUES;
const SHINGLE_WORDS = 5;
/** Shorter documents say too little to be compared otherwise than exactly. */
const FEWEST_WORDS = 10;
const BIN_SHIFT = 25;
const EMPTY = 0xffff_ffff;

/** Writes the signature into `out` at `at`; all zeros when the text has fewer than ten words. Cost: one pass, no garbage. */
export function documentSignature(text: string, out: Uint8Array, at = 0): void {
  const bins = minimaOf(text);
  const view = new DataView(out.buffer, out.byteOffset + at, SIGNATURE_BYTES);
  for (let bin = 0; bin < SIGNATURE_VALUES; bin++) {
    const value = bins === null ? 0 : mixed(filled(bins, bin)) >>> 16;
    // Zero is kept for documents without a signature.
    view.setUint16(2 * bin, bins === null ? 0 : value || 1, true);
  }
}

/** Of 128 values, how many are equal. */
export function equalValues(a: Uint8Array, b: Uint8Array): number {
  let count = 0;
  for (let i = 0; i < SIGNATURE_BYTES; i += 2) if (a[i] === b[i] && a[i + 1] === b[i + 1]) count++;
  return count;
}

const bins = new Uint32Array(SIGNATURE_VALUES);
/** Hashes of the words of a piece of text; the last four of a piece begin the next. */
const words = new Int32Array(1 << 14);
const OVERLAP = SHINGLE_WORDS - 1;

/** The least shingle hash of each bin; null for a text too short. */
function minimaOf(text: string): Uint32Array | null {
  bins.fill(EMPTY);
  let [total, count, word, length] = [0, 0, 0, 0];
  for (let i = 0; i <= text.length; i++) {
    // One separator after the end, so that the last word ends too.
    const unit = i < text.length ? text.charCodeAt(i) : 0;
    const kind = unit < 128 ? ASCII_KINDS[unit]! : kindOf(unit);
    if (kind === LETTER) {
      word = Math.imul(word ^ (unit >= 65 && unit <= 90 ? unit + 32 : unit), 0x0100_0193) + length++;
      continue;
    }
    if (length > 0) words[count++] = mixed(word);
    if (kind === ALONE) words[count++] = mixed(unit);
    word = 0;
    length = 0;
    if (count < words.length - 1) continue;
    total += addShingles(count);
    count = OVERLAP;
  }
  total += addShingles(count);
  return total + OVERLAP < FEWEST_WORDS ? null : bins;
}

/** Takes all shingles of the words gathered; returns how many, and moves the last words to the beginning. */
function addShingles(count: number): number {
  for (let i = OVERLAP; i < count; i++) {
    let hash = 0x9e37_79b9;
    for (let k = i - OVERLAP; k <= i; k++) hash = Math.imul(hash ^ words[k]!, 0x85eb_ca6b) + 0x27d4_eb2f;
    hash = mixed(hash);
    const bin = hash >>> BIN_SHIFT;
    const value = hash & ((1 << BIN_SHIFT) - 1);
    if (value < bins[bin]!) bins[bin] = value;
  }
  words.copyWithin(0, count - OVERLAP, count);
  return Math.max(0, count - OVERLAP);
}

/** A bin's own value, or that of the first full one in the bin's fixed sequence. */
function filled(minima: Uint32Array, bin: number): number {
  if (minima[bin] !== EMPTY) return minima[bin]!;
  for (let attempt = 1; ; attempt++) {
    const other = mixed(Math.imul(bin + 1, 0x9e37_79b9) + attempt) >>> BIN_SHIFT;
    if (minima[other] !== EMPTY) return minima[other]!;
  }
}

/** The finalizer of MurmurHash3 (Appleby): every bit depends on every bit. */
function mixed(value: number): number {
  let h = value ^ (value >>> 16);
  h = Math.imul(h, 0x85eb_ca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2_ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

const SEPARATOR = 0;
const LETTER = 1;
/** A character that is a word of its own. */
const ALONE = 2;

/** Of a unit beyond ASCII. */
function kindOf(unit: number): number {
  // Latin-1 signs, general punctuation, CJK punctuation, full-width punctuation.
  if (unit < 0xc0 || (unit >= 0x2000 && unit <= 0x206f)) return SEPARATOR;
  if (unit < 0x2e80) return LETTER;
  if ((unit >= 0x3000 && unit <= 0x303f) || (unit >= 0xff00 && unit <= 0xff0f)) return SEPARATOR;
  return unit < 0xa000 ? ALONE : LETTER;
}

const ASCII_KINDS = Uint8Array.from({ length: 128 }, (_, unit) =>
  /[0-9A-Za-z]/.test(String.fromCharCode(unit)) ? LETTER : SEPARATOR,
);
