/**
 * @file Finds, among the submissions of a round, those that a new one may be a copy of, without looking at each: the first
 * limit of a network was comparing every submission with every other. Only what it names is compared in full.
 * Method: one-permutation min-hashing (Li, Owen and Zhang 2012) of the sketches, bands of equal minima as keys of an
 * inverted index (Gionis, Indyk and Motwani 1999). Two deltas of resemblance J share a bin's minimum with chance J, and
 * are found with chance 1 − (1 − J^ROWS)^BANDS: J = 0.82, nine tenths of the indices of equally many, is missed once in two
 * million; J = 0.14, two honest ones that share a quarter, is named once in 500. Who sends another number of entries than
 * the rest is compared with all of those: resemblance does not see that a small delta lies within a large one.
 */
import { seededRandom } from '@alice/protocol';
import { type IndexSketch, MIN_SAMPLES, mixBits } from './indexSketch.js';

const BANDS = 32;
const ROWS = 5;
/** Deltas whose numbers of entries differ by less than this factor squared are told apart by resemblance. */
const SIZE_CLASS = 1.05;

interface Known {
  readonly keys: readonly number[];
  readonly size: number;
}

export class CopyIndex {
  readonly #key: number;
  readonly #known = new Map<string, Known>();
  readonly #bands: Groups = new Map();
  readonly #sizes: Groups = new Map();

  /** `secret`: nobody can then move just the indices that the bins happen to look at. */
  constructor(secret: string) {
    this.#key = seededRandom(JSON.stringify(['copy index', secret])).u32();
  }

  get size(): number {
    return this.#known.size;
  }

  has(id: string): boolean {
    return this.#known.has(id);
  }

  /** Remembers a submission. One that is known already stays as it is. */
  add(id: string, sketch: IndexSketch): void {
    if (this.#known.has(id)) return;
    const known = this.#placeOf(sketch);
    this.#known.set(id, known);
    for (const key of known.keys) join(this.#bands, key, id);
    join(this.#sizes, known.size, id);
  }

  delete(id: string): void {
    const known = this.#known.get(id);
    if (!known) return;
    this.#known.delete(id);
    for (const key of known.keys) leave(this.#bands, key, id);
    leave(this.#sizes, known.size, id);
  }

  /** Forgets all that are not among these. */
  keep(ids: ReadonlySet<string>): void {
    for (const id of this.#known.keys()) if (!ids.has(id)) this.delete(id);
  }

  /** Submissions that may share nine tenths of the smaller one's indices with this one; in no order. */
  candidates(sketch: IndexSketch): Set<string> {
    const { keys, size } = this.#placeOf(sketch);
    if (size === TOO_FEW) return new Set(this.#known.keys());
    const found = new Set<string>();
    for (const key of keys) for (const id of members(this.#bands, key)) found.add(id);
    for (const other of this.#sizes.keys())
      if (other === TOO_FEW || !areAlike(other, size))
        for (const id of members(this.#sizes, other)) found.add(id);
    return found;
  }

  #placeOf({ entries, level, samples }: IndexSketch): Known {
    if (samples.length < MIN_SAMPLES) return { keys: [], size: TOO_FEW };
    const sizeClass = Math.floor(Math.log(entries) / Math.log(SIZE_CLASS));
    const minima = new Uint32Array(BANDS * ROWS).fill(0xffffffff);
    for (let i = 0; i < samples.length; i++) {
      const hash = mixBits(samples[i]! ^ this.#key);
      const bin = hash % minima.length;
      if (hash < minima[bin]!) minima[bin] = hash;
    }
    const keys = Array.from({ length: BANDS }, (_, band) => {
      let key = band;
      for (let row = 0; row < ROWS; row++) key = mixBits(key ^ minima[band * ROWS + row]!);
      return key;
    });
    return { keys, size: sizeClass * LEVELS + level };
  }
}

/** What has too few samples to say anything. */
const TOO_FEW = -1;
/** More than there are. */
const LEVELS = 64;

/** About equally many entries, sampled alike. */
function areAlike(one: number, other: number): boolean {
  const classes = Math.abs(Math.floor(one / LEVELS) - Math.floor(other / LEVELS));
  return classes <= 1 && one % LEVELS === other % LEVELS;
}

/** Nearly all groups have one member, which needs no set of its own. */
type Groups = Map<number, string | Set<string>>;

function members(groups: Groups, key: number): Iterable<string> {
  const group = groups.get(key);
  return typeof group === 'string' ? [group] : (group ?? []);
}

function join(groups: Groups, key: number, id: string): void {
  const group = groups.get(key);
  if (group === undefined) groups.set(key, id);
  else if (typeof group === 'string') groups.set(key, new Set([group, id]));
  else group.add(id);
}

function leave(groups: Groups, key: number, id: string): void {
  const group = groups.get(key);
  if (typeof group !== 'object') {
    if (group === id) groups.delete(key);
    return;
  }
  group.delete(id);
  if (group.size === 0) groups.delete(key);
}
