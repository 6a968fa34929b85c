/**
 * @file Looks pieces of a text up without cutting them out of it: a fixed table (the pieces that are one token) and a bounded
 * memory of pieces met before. Both are typed arrays of a fixed size, because a Map of strings makes garbage that outlives
 * the young generation: it cost 50 MB a thread more, growing with the text (docs/data.md, "Figures").
 */

/** FNV-1a over UTF-16 units, then mixed: the upper bits are used. */
export function pieceHash(text: string, from: number, end: number): number {
  let hash = 0x811c_9dc5;
  for (let i = from; i < end; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x0100_0193);
  return Math.imul(hash ^ (hash >>> 15), 0x9e37_79b1) >>> 0;
}

function isSame(units: Uint16Array, at: number, text: string, from: number, end: number): boolean {
  for (let i = from, k = at; i < end; i++, k++) if (units[k] !== text.charCodeAt(i)) return false;
  return true;
}

export const UNKNOWN = -1;

/** Pieces that are one token, by open addressing. */
export class PieceTable {
  readonly longest: number;
  readonly #units: Uint16Array;
  readonly #starts: Uint32Array;
  readonly #ids: Uint16Array;
  /** Entry + 1, or 0. */
  readonly #slots: Uint32Array;
  readonly #shift: number;

  constructor(entries: readonly (readonly [piece: string, id: number])[]) {
    this.longest = entries.reduce((most, [piece]) => Math.max(most, piece.length), 0);
    this.#units = new Uint16Array(entries.reduce((sum, [piece]) => sum + piece.length, 0));
    this.#starts = new Uint32Array(entries.length + 1);
    this.#ids = Uint16Array.from(entries, ([, id]) => id);
    const bits = Math.max(4, Math.ceil(Math.log2(2 * entries.length + 1)));
    this.#slots = new Uint32Array(2 ** bits);
    this.#shift = 32 - bits;
    for (const [entry, [piece]] of entries.entries()) this.#place(entry, piece);
  }

  /** The id of the piece, or `UNKNOWN`. */
  find(text: string, from: number, end: number, hash: number): number {
    const length = end - from;
    for (let slot = hash >>> this.#shift; ; slot = (slot + 1) & (this.#slots.length - 1)) {
      const entry = this.#slots[slot]! - 1;
      if (entry < 0) return UNKNOWN;
      const start = this.#starts[entry]!;
      if (this.#starts[entry + 1]! - start === length && isSame(this.#units, start, text, from, end))
        return this.#ids[entry]!;
    }
  }

  #place(entry: number, piece: string): void {
    const start = this.#starts[entry]!;
    for (let i = 0; i < piece.length; i++) this.#units[start + i] = piece.charCodeAt(i);
    this.#starts[entry + 1] = start + piece.length;
    let slot = pieceHash(piece, 0, piece.length) >>> this.#shift;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & (this.#slots.length - 1);
    this.#slots[slot] = entry + 1;
  }
}

const PAIR_BITS = 15;
/** UTF-16 units of a piece, and ids, that are remembered at most: together 5 MB. */
const MOST_UNITS = 24;
const MOST_IDS = 14;

/**
 * The ids of pieces met before, in pairs of places: a new piece takes the one of its two places that was not asked for
 * since the other was.
 */
export class PieceMemory {
  readonly #units = new Uint16Array(2 ** (PAIR_BITS + 1) * MOST_UNITS);
  readonly #ids = new Uint16Array(2 ** (PAIR_BITS + 1) * MOST_IDS);
  readonly #lengths = new Uint8Array(2 ** (PAIR_BITS + 1));
  readonly #counts = new Uint8Array(2 ** (PAIR_BITS + 1));
  /** Of each pair, the place asked for last. */
  readonly #latest = new Uint8Array(2 ** PAIR_BITS);

  /** The piece's place, for `give`; `UNKNOWN` when it is not remembered. */
  find(text: string, from: number, end: number, hash: number): number {
    const pair = hash >>> (32 - PAIR_BITS);
    for (let way = 0; way < 2; way++) {
      const place = 2 * pair + way;
      if (this.#lengths[place] !== end - from) continue;
      if (!isSame(this.#units, place * MOST_UNITS, text, from, end)) continue;
      this.#latest[pair] = way;
      return place;
    }
    return UNKNOWN;
  }

  /** Appends the ids of a place. */
  give(place: number, into: { push(id: number): void }): void {
    const at = place * MOST_IDS;
    for (let i = 0; i < this.#counts[place]!; i++) into.push(this.#ids[at + i]!);
  }

  /** Does nothing for long pieces, or those of many ids: they are rare. */
  add(text: string, from: number, end: number, hash: number, ids: Uint16Array): void {
    if (end - from > MOST_UNITS || ids.length > MOST_IDS) return;
    const pair = hash >>> (32 - PAIR_BITS);
    const way = 1 - this.#latest[pair]!;
    const place = 2 * pair + way;
    for (let i = from, k = place * MOST_UNITS; i < end; i++, k++) this.#units[k] = text.charCodeAt(i);
    this.#ids.set(ids, place * MOST_IDS);
    this.#lengths[place] = end - from;
    this.#counts[place] = ids.length;
    this.#latest[pair] = way;
  }
}
