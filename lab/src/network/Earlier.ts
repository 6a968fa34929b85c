/** @file The submissions of a round that arrived before, and which of them a new one may be a copy of: as the server looks it up. */
import { CopyIndex, type FlatDelta, sketchIndices } from '@alice/training';

export class Earlier {
  readonly #index: CopyIndex;
  readonly #secret: string;
  readonly #deltas: FlatDelta[] = [];

  constructor(secret: string) {
    this.#index = new CopyIndex(secret);
    this.#secret = secret;
  }

  add(delta: FlatDelta): void {
    this.#index.add(String(this.#deltas.length), this.#sketch(delta));
    this.#deltas.push(delta);
  }

  /** Those worth comparing with, in order of arrival. */
  alike(delta: FlatDelta): FlatDelta[] {
    const named = this.#index.candidates(this.#sketch(delta));
    return this.#deltas.filter((_, i) => named.has(String(i)));
  }

  #sketch(delta: FlatDelta) {
    return sketchIndices(delta, this.#secret);
  }
}
