/**
 * @file A set of 64-bit fingerprints without an object each: 8 bytes an entry, at most half full. Two different contents
 * share a fingerprint with chance 2⁻²⁰ at four million.
 */
export class FingerprintSet {
  #table = new BigUint64Array(1024);
  #count = 0;

  /** Whether it was new. Zero stands for an empty place: it counts as one. */
  add(fingerprint: bigint): boolean {
    if (2 * this.#count >= this.#table.length) this.#grow();
    return this.#put(fingerprint === 0n ? 1n : fingerprint);
  }

  #put(entry: bigint): boolean {
    const mask = this.#table.length - 1;
    let slot = Number(entry & 0xffff_ffffn) & mask;
    while (this.#table[slot] !== 0n) {
      if (this.#table[slot] === entry) return false;
      slot = (slot + 1) & mask;
    }
    this.#table[slot] = entry;
    this.#count++;
    return true;
  }

  #grow(): void {
    const old = this.#table;
    this.#table = new BigUint64Array(2 * old.length);
    this.#count = 0;
    for (const entry of old) if (entry !== 0n) this.#put(entry);
  }
}
