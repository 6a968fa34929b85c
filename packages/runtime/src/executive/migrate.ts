/**
 * @file Brings the state of an older runtime into the form that this one keeps, at the start of the first block of the
 * new version. Each step says from which version on it is not needed. Part of consensus: all nodes do it alike.
 */
import { countOf } from '../pallets/proofOfGradient/history.js';
import {
  currentEpoch,
  epochArchive,
  epochPages,
  openEpochValue,
  payoutPages,
  payouts,
} from '../pallets/proofOfGradient/storage.js';
import { EMPTY_ARCHIVE } from '../pallets/proofOfGradient/types.js';
import type { StateAccess } from '../storage/Overlay.js';

/** `from` is the version that made the last block. */
export function migrate(state: StateAccess, from: number): void {
  if (from < 105) countKeptPayouts(state);
}

/** Until 104 payouts were kept for good and nobody counted them. */
function countKeptPayouts(state: StateAccess): void {
  let entries = 0;
  for (let epoch = 0; epoch < currentEpoch.get(state); epoch++) {
    entries += countOf(state, payouts.keyOf(epoch));
    entries += countPages(state, epoch, epochPages.get(state, epoch) ?? 0);
  }
  const open = openEpochValue.get(state);
  if (open?.paying) entries += countPages(state, open.index, open.paying.next_page);
  epochArchive.put(state, { ...EMPTY_ARCHIVE, entries });
}

function countPages(state: StateAccess, epoch: number, pages: number): number {
  let entries = 0;
  for (let page = 0; page < pages; page++) entries += countOf(state, payoutPages.keyOf([epoch, page]));
  return entries;
}
