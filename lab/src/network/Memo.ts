/**
 * @file Remembers what pure computations gave: arms of an experiment often agree for many rounds (a refused attack leaves no
 * trace), and what was trained or scored once need not be again. Keys are hashes of all inputs, so a hit is exact.
 */
import { createHash } from 'node:crypto';

type Part = string | number | ArrayBufferView;

export class Memo {
  readonly #kept = new Map<string, Promise<unknown>>();
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The remembered result for these inputs, or that of `compute`. Least recently used results are forgotten. */
  of<T>(inputs: readonly Part[], compute: () => Promise<T>): Promise<T> {
    const key = keyOf(inputs);
    const found = (this.#kept.get(key) as Promise<T> | undefined) ?? compute();
    this.#kept.delete(key);
    this.#kept.set(key, found);
    found.catch(() => this.#kept.delete(key));
    if (this.#kept.size > this.#limit) this.#kept.delete(this.#kept.keys().next().value!);
    return found;
  }
}

function keyOf(inputs: readonly Part[]): string {
  const hash = createHash('sha256');
  for (const part of inputs) {
    if (typeof part === 'object') hash.update(new Uint8Array(part.buffer, part.byteOffset, part.byteLength));
    else hash.update(String(part));
    hash.update('|');
  }
  return hash.digest('hex');
}
