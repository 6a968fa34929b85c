/**
 * @file The terms of a round's sums in files, for models whose sums do not fit into memory. A submission's entries are
 * appended to a log, cut at the parts of the model; the runs of one part form a chain, each naming the one before, so that
 * a part is summed by following its chain and memory holds one part. When the log has grown to the size of the sums
 * themselves, it is added up into a file of those and starts anew: however many submissions come, the files stay bounded.
 */
import { bytesOf, type TensorLayout } from '@alice/protocol';
import { addExactly, PART_ELEMENTS, type Term, type TermStore } from '@alice/training';
import type { NewScratchFile, ScratchFile } from './scratchFolder.js';

/** Entries of one run: half a megabyte. */
const RUN_ENTRIES = 2 ** 16;
const HEAD_BYTES = 32;
const ENTRY_BYTES = 8;
const SUM_BYTES = 8;
const NONE = -1;

export interface FileTermStoreOptions {
  /** What all groups together hold in memory of the sums. */
  readonly partElements?: number;
  /** Size of the log at which it is added up; that of all sums when left out. */
  readonly logBytes?: number;
}

/** Head of a run: where the run before it in its part starts, its entries, its group, its factor. */
interface RunHead {
  readonly previous: number;
  readonly entries: number;
  readonly group: number;
  readonly factor: number;
}

export class FileTermStore implements TermStore {
  readonly partElements: number;
  readonly #layout: TensorLayout;
  readonly #newFile: NewScratchFile;
  readonly #log: ScratchFile;
  readonly #mostLogBytes: number;
  /** By part: where its last run starts. */
  readonly #lastRun: Float64Array;
  readonly #sums: Float64Array[];
  /** What former logs added up to, part after part, in each the groups. */
  #added: ScratchFile | undefined;
  readonly #run = new ArrayBuffer(HEAD_BYTES + RUN_ENTRIES * ENTRY_BYTES);

  constructor(
    layout: TensorLayout,
    groups: number,
    newFile: NewScratchFile,
    { partElements = PART_ELEMENTS, logBytes = SUM_BYTES * groups * layout.size }: FileTermStoreOptions = {},
  ) {
    this.partElements = Math.max(1, Math.min(Math.floor(partElements / groups), layout.size));
    this.#layout = layout;
    this.#newFile = newFile;
    this.#log = newFile();
    this.#mostLogBytes = logBytes;
    this.#lastRun = new Float64Array(Math.ceil(layout.size / this.partElements)).fill(NONE);
    this.#sums = Array.from({ length: groups }, () => new Float64Array(this.partElements));
  }

  /** Throws `DISK_FULL`. */
  add({ delta, group, factors }: Term): void {
    for (const { tensor, indices, values } of delta.tensors) {
      const { offset } = this.#layout.tensors[tensor]!;
      for (let at = 0; at < indices.length; ) {
        const part = Math.floor((offset + indices[at]!) / this.partElements);
        const end = Math.min(
          endOfPart(indices, at, (part + 1) * this.partElements - offset),
          at + RUN_ENTRIES,
        );
        const run = { indices: indices.subarray(at, end), values: values.subarray(at, end) };
        const shift = offset - part * this.partElements;
        this.#append(part, run, { shift, group, factor: factors[tensor]! });
        at = end;
      }
    }
    if (this.#log.sizeBytes >= this.#mostLogBytes) this.#addUp();
  }

  sums(offset: number, size: number): readonly Float64Array[] {
    const part = offset / this.partElements;
    const sums = this.#sums.map((of) => of.subarray(0, size));
    for (const [group, of] of sums.entries())
      if (this.#added) this.#added.read(this.#addedAt(part, group, size), bytesOf(of));
      else of.fill(0);
    for (let at = this.#lastRun[part]!; at !== NONE; ) at = this.#addRun(at, sums);
    return sums;
  }

  #append(
    part: number,
    { indices, values }: { indices: Uint32Array; values: Float32Array },
    { shift, group, factor }: { shift: number; group: number; factor: number },
  ): void {
    const entries = indices.length;
    new Float64Array(this.#run, 0, 4).set([this.#lastRun[part]!, entries, group, factor]);
    const positions = new Uint32Array(this.#run, HEAD_BYTES, entries);
    for (let i = 0; i < entries; i++) positions[i] = shift + indices[i]!;
    new Float32Array(this.#run, HEAD_BYTES + 4 * entries, entries).set(values);
    this.#lastRun[part] = this.#log.sizeBytes;
    this.#log.append(new Uint8Array(this.#run, 0, HEAD_BYTES + ENTRY_BYTES * entries));
  }

  /** Returns where the run before it starts. */
  #addRun(at: number, sums: readonly Float64Array[]): number {
    const { previous, entries, group, factor } = this.#headAt(at);
    this.#log.read(at + HEAD_BYTES, new Uint8Array(this.#run, HEAD_BYTES, ENTRY_BYTES * entries));
    const indices = new Uint32Array(this.#run, HEAD_BYTES, entries);
    const values = new Float32Array(this.#run, HEAD_BYTES + 4 * entries, entries);
    addExactly(sums[group]!, { indices, values }, { offset: 0, factor });
    return previous;
  }

  #headAt(at: number): RunHead {
    this.#log.read(at, new Uint8Array(this.#run, 0, HEAD_BYTES));
    const [previous, entries, group, factor] = new Float64Array(this.#run, 0, 4);
    return { previous: previous!, entries: entries!, group: group!, factor: factor! };
  }

  /** The log into the file of sums, a part at a time. */
  #addUp(): void {
    const before = this.#added;
    const after = before ?? this.#newFile();
    for (let offset = 0; offset < this.#layout.size; offset += this.partElements) {
      const size = Math.min(this.partElements, this.#layout.size - offset);
      const sums = this.sums(offset, size);
      for (const [group, of] of sums.entries())
        after.write(this.#addedAt(offset / this.partElements, group, size), bytesOf(of));
    }
    this.#added = after;
    this.#lastRun.fill(NONE);
    this.#log.clear();
  }

  #addedAt(part: number, group: number, size: number): number {
    return SUM_BYTES * (part * this.partElements * this.#sums.length + group * size);
  }
}

/** The first entry from `at` on whose index is not below `boundary`. */
function endOfPart(indices: Uint32Array, at: number, boundary: number): number {
  let [low, high] = [at, indices.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (indices[middle]! < boundary) low = middle + 1;
    else high = middle;
  }
  return low;
}
