/** @file Memory counted instead of guessed: what buffers anything refers to, and deltas of a given number of entries. For tests. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type SparseDelta, seededRandom } from '@alice/protocol';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes. Takes milliseconds. */
export function heldBuffers(): number {
  collect();
  collect();
  return process.memoryUsage().arrayBuffers;
}

/** One entry in each of equally long stretches of one tensor. */
export function scattered(size: number, { entries, seed }: { entries: number; seed: number }): SparseDelta {
  const random = seededRandom(`scattered ${seed}`);
  const stretch = Math.floor(size / entries);
  const indices = Uint32Array.from({ length: entries }, (_, i) => i * stretch + random.below(stretch));
  return { tensors: [{ tensor: 0, indices, values: new Float32Array(entries).fill(0.1) }] };
}
