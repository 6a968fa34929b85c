/** @file The lower median (see `lowerMedian`) of numbers that come one by one, kept in order so that asking costs nothing. */

export class RunningMedian {
  #sorted = new Float64Array(8);
  #count = 0;

  /** Cost: moving what is larger. */
  add(value: number): void {
    if (this.#count === this.#sorted.length) {
      const grown = new Float64Array(2 * this.#count);
      grown.set(this.#sorted);
      this.#sorted = grown;
    }
    const place = this.#placeOf(value);
    this.#sorted.copyWithin(place + 1, place, this.#count++);
    this.#sorted[place] = value;
  }

  /** 0 for no values. */
  get lower(): number {
    return this.#count === 0 ? 0 : this.#sorted[(this.#count - 1) >> 1]!;
  }

  #placeOf(value: number): number {
    let [low, high] = [0, this.#count];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#sorted[middle]! <= value) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
