/**
 * @file How large an honest submission can be. Top-k keeps ceil(density · n) entries of a chunk of n elements, so the
 * layout and the settings bound entries, inflated bytes and body bytes before anything is read (WIRE-2).
 */
import { CHUNK_ELEMENTS, SUBMISSION_HEADER_BYTES, type TensorLayout } from '@alice/protocol';
import type { TrainingSettings } from '@alice/training';

export interface SubmissionBounds {
  readonly maxEntries: number;
  readonly maxInflatedBytes: number;
}

const ENTRY_BYTES = 6; // 16-bit index, 32-bit value
// zlib stores what does not deflate: 5 bytes per 16 KiB block at worst, plus its frame.
const STORED_SHARE = 1 / 1024;
const FRAME_BYTES = 1024;

export function submissionBounds(
  layout: TensorLayout,
  { density, selection }: Pick<TrainingSettings, 'density' | 'selection'>,
): SubmissionBounds {
  let chunked = 0;
  let countBytes = 0;
  for (const { size } of layout.tensors) {
    const full = Math.floor(size / CHUNK_ELEMENTS);
    chunked += full * Math.ceil(density * CHUNK_ELEMENTS) + Math.ceil(density * (size % CHUNK_ELEMENTS));
    countBytes += 2 + 2 * Math.ceil(size / CHUNK_ELEMENTS);
  }
  const maxEntries = selection === 'global' ? Math.ceil(density * layout.size) : chunked;
  return { maxEntries, maxInflatedBytes: countBytes + ENTRY_BYTES * maxEntries };
}

/** The largest body of an upload, bytes. */
export function maxSubmissionBytes({ maxInflatedBytes }: SubmissionBounds): number {
  return SUBMISSION_HEADER_BYTES + Math.ceil(maxInflatedBytes * (1 + STORED_SHARE)) + FRAME_BYTES;
}
