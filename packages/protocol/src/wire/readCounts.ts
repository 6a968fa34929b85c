/**
 * @file The count stream of `binary_v3`, read as far as it has arrived: which tensors have entries, and how many each chunk
 * has. It stops between symbols when the feed holds less than the next few may take. Blocks follow from the counts alone,
 * so a reader that keeps no positions still knows what the values must look like.
 */
import type { TensorLayout, TensorSpec } from '../tensorLayout.js';
import type { ByteFeed } from './ByteFeed.js';
import { empty, wrongCount } from './bodyErrors.js';
import { CountModel, MOST_COUNT_BYTES } from './CountModel.js';
import { blockSizes } from './quantize.js';
import { RangeDecoder, START_BYTES } from './RangeDecoder.js';
import { CHUNK_ELEMENTS, chunkCount } from './sparseBody.js';

export interface TensorCounts {
  readonly tensor: number;
  readonly spec: TensorSpec;
  /** Entries of each chunk; bytes where they suffice, for there are many chunks. */
  readonly counts: Uint8Array | Uint16Array;
  /** Entries of each block. */
  readonly blocks: Uint16Array;
  /** Entries of all. */
  readonly total: number;
}

/** Counts read with one look at what the feed holds. */
const COUNTS_AT_ONCE = 128;

/** Yields where it must wait for more; the feed must end with the last count. Throws as `decodeQuantizedBody`. */
export function* readCounts(
  feed: ByteFeed,
  { layout, tensorCount, entryCount }: { layout: TensorLayout; tensorCount: number; entryCount: number },
): Generator<void, TensorCounts[]> {
  while (!feed.holds(START_BYTES)) yield;
  const coder = new RangeDecoder(feed);
  const model = new CountModel();
  const found: TensorCounts[] = [];
  let left = entryCount;
  for (let tensor = 0; found.length < tensorCount; tensor++) {
    const spec = layout.tensors[tensor];
    if (!spec) throw wrongCount('tensors', tensorCount, found.length);
    while (!feed.holds(MOST_COUNT_BYTES)) yield;
    if (model.decodePresence(coder) === 0) continue;
    const { counts, total } = yield* readTensor(coder, model, { spec, left });
    left -= total;
    found.push({ tensor, spec, counts: narrowed(counts), blocks: blockSizes(counts), total });
  }
  if (left !== 0) throw wrongCount('entries', entryCount, entryCount - left);
  while (!feed.isComplete) yield;
  coder.finish();
  return found;
}

function* readTensor(
  coder: RangeDecoder,
  model: CountModel,
  { spec, left }: { spec: TensorSpec; left: number },
): Generator<void, { counts: Uint16Array; total: number }> {
  const counts = new Uint16Array(chunkCount(spec));
  let total = 0;
  for (let chunk = 0; chunk < counts.length; chunk++) {
    if (chunk % COUNTS_AT_ONCE === 0) while (!coder.feed.holds(COUNTS_AT_ONCE * MOST_COUNT_BYTES)) yield;
    const count = model.decode(coder);
    const room = Math.min(CHUNK_ELEMENTS, spec.size - chunk * CHUNK_ELEMENTS);
    if (count > room) throw wrongCount('chunk', room, count);
    total += count;
    if (total > left) throw wrongCount('entries', left, total);
    counts[chunk] = count;
  }
  if (total === 0) throw empty();
  return { counts, total };
}

function narrowed(counts: Uint16Array): Uint8Array | Uint16Array {
  return counts.every((count) => count <= 0xff) ? Uint8Array.from(counts) : counts;
}
