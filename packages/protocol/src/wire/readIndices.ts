/**
 * @file The index stream of `binary_v3`, read as far as it has arrived: which tensors have entries, how many each chunk
 * has, and where they are. It stops between symbols when the feed holds less than the next few may take. Blocks follow
 * from the counts alone, so a reader that keeps no positions still knows what the values must look like.
 */
import type { TensorLayout, TensorSpec } from '../tensorLayout.js';
import type { ByteFeed } from './ByteFeed.js';
import { empty, wrongCount } from './bodyErrors.js';
import { CountModel, MOST_COUNT_BYTES } from './CountModel.js';
import { MOST_CHUNK_BYTES, PositionDecoder } from './PositionDecoder.js';
import { blockSizes } from './quantize.js';
import { RangeDecoder, START_BYTES } from './RangeDecoder.js';
import { CHUNK_ELEMENTS, chunkCount } from './sparseBody.js';

export interface TensorEntries {
  readonly tensor: number;
  /** Entries of each block. */
  readonly blocks: Uint16Array;
  /** Where they are, and room for their values, if they are kept. */
  readonly indices: Uint32Array | undefined;
  readonly values: Float32Array | undefined;
}

export interface IndexRequest {
  readonly layout: TensorLayout;
  readonly tensorCount: number;
  readonly entryCount: number;
  readonly keepsEntries: boolean;
}

/** Counts read with one look at what the feed holds. */
const COUNTS_AT_ONCE = Math.floor(MOST_CHUNK_BYTES / MOST_COUNT_BYTES);

/** Yields where it must wait for more. Throws as `decodeQuantizedBody`. */
export function* readIndices(
  feed: ByteFeed,
  { layout, tensorCount, entryCount, keepsEntries }: IndexRequest,
): Generator<void, TensorEntries[]> {
  while (!feed.holds(START_BYTES)) yield;
  const coder = new RangeDecoder(feed);
  const model = new CountModel();
  const found: TensorEntries[] = [];
  let left = entryCount;
  for (let tensor = 0; found.length < tensorCount; tensor++) {
    const spec = layout.tensors[tensor];
    if (!spec) throw wrongCount('tensors', tensorCount, found.length);
    while (!feed.holds(MOST_COUNT_BYTES)) yield;
    if (model.decodePresence(coder) === 0) continue;
    const { counts, total } = yield* readCounts(coder, model, { spec, left });
    left -= total;
    const indices = keepsEntries ? new Uint32Array(total) : undefined;
    const values = keepsEntries ? new Float32Array(total) : undefined;
    yield* readPositions(coder, counts, { spec, indices });
    found.push({ tensor, blocks: blockSizes(counts), indices, values });
  }
  if (left !== 0) throw wrongCount('entries', entryCount, entryCount - left);
  while (!feed.isComplete) yield;
  coder.finish();
  return found;
}

function* readCounts(
  coder: RangeDecoder,
  model: CountModel,
  { spec, left }: { spec: TensorSpec; left: number },
): Generator<void, { counts: Uint16Array; total: number }> {
  const counts = new Uint16Array(chunkCount(spec));
  let total = 0;
  for (let chunk = 0; chunk < counts.length; chunk++) {
    if (chunk % COUNTS_AT_ONCE === 0) while (!coder.feed.holds(MOST_CHUNK_BYTES)) yield;
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

function* readPositions(
  coder: RangeDecoder,
  counts: Uint16Array,
  { spec, indices }: { spec: TensorSpec; indices: Uint32Array | undefined },
): Generator<void, void> {
  const positions = new PositionDecoder(coder, indices);
  for (let chunk = 0; chunk < counts.length; chunk++) {
    while (!coder.feed.holds(MOST_CHUNK_BYTES)) yield;
    const base = chunk * CHUNK_ELEMENTS;
    positions.chunk(counts[chunk]!, base, Math.min(CHUNK_ELEMENTS, spec.size - base));
  }
}
