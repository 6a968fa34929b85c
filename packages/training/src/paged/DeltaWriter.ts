/** @file Writes a set-delta into a vector that passes by window after window, each element of it once. */
import type { SetDelta } from '@alice/protocol';

export class DeltaWriter {
  readonly #tensors: SetDelta['tensors'];
  /** The tensor, and the entry of it, that come next. */
  #tensor = 0;
  #entry = 0;

  constructor({ tensors }: SetDelta) {
    this.#tensors = [...tensors].sort((a, b) => a.offset - b.offset);
  }

  /** `halves` begin at element `from`, where those of the last call ended. Returns how many were written. */
  writeInto(halves: Uint16Array, from: number): number {
    const end = from + halves.length;
    let written = 0;
    for (; this.#tensor < this.#tensors.length; this.#tensor++, this.#entry = 0) {
      const { offset, indices, values } = this.#tensors[this.#tensor]!;
      for (; this.#entry < indices.length; this.#entry++, written++) {
        const place = offset + indices[this.#entry]!;
        if (place >= end) return written;
        halves[place - from] = values[this.#entry]!;
      }
    }
    return written;
  }
}
