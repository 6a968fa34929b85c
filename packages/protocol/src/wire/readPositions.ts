/** @file The position stream of `binary_v3`, read as far as it has arrived: where the entries are that the counts announce. */
import type { ByteFeed } from './ByteFeed.js';
import { CHUNK_REACH_BYTES, PositionDecoder } from './PositionDecoder.js';
import type { TensorCounts } from './readCounts.js';
import { CHUNK_ELEMENTS } from './sparseBody.js';

/**
 * The indices of each tensor where `keepsEntries`, else they are only checked. Yields where it must wait for more; the feed
 * must end with the last position. Throws as `decodeQuantizedBody`.
 */
export function* readPositions(
  feed: ByteFeed,
  tensors: readonly TensorCounts[],
  { keepsEntries }: { keepsEntries: boolean },
): Generator<void, Uint32Array[]> {
  const decoder = new PositionDecoder(feed);
  const found: Uint32Array[] = [];
  for (const { spec, counts, total } of tensors) {
    const indices = keepsEntries ? new Uint32Array(total) : undefined;
    let to = 0;
    for (let chunk = 0; chunk < counts.length; chunk++) {
      while (!feed.holds(CHUNK_REACH_BYTES)) yield;
      const base = chunk * CHUNK_ELEMENTS;
      decoder.chunk(counts[chunk]!, { base, size: Math.min(CHUNK_ELEMENTS, spec.size - base) }, indices, to);
      to += counts[chunk]!;
    }
    if (indices) found.push(indices);
  }
  while (!feed.isComplete) yield;
  decoder.finish();
  return found;
}
