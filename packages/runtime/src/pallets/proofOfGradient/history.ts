/**
 * @file Keeps the state bounded however many epochs are settled: blocks remove the oldest payouts, then the oldest
 * records, a few entries at a time. What goes is summed up and chained into a digest, so that anyone who has it from
 * blocks, events or an archive can prove it; an account's own sums (`Contributions`) stay for good.
 */
import { concatBytes, fromHex, type HexString, toHex } from '@alice/protocol';
import { ByteReader } from '../../scale/ByteReader.js';
import { blake2b256 } from '../../storage/hashing.js';
import type { StateAccess, StorageKey } from '../../storage/Overlay.js';
import { timeOf } from '../../weights/timeOf.js';
import type { DispatchError } from '../Pallet.js';
import { gradientErrors } from './events.js';
import {
  EPOCHS_KEPT,
  EPOCHS_OVER,
  MAX_SCORES,
  PAYOUT_EPOCHS_KEPT,
  PAYOUTS_KEPT,
  PAYOUTS_OVER,
} from './limits.js';
import {
  currentEpoch,
  epochArchive,
  epochPages,
  epochs,
  payoutPages,
  payouts,
  rolePayments,
} from './storage.js';
import type { EpochArchive } from './types.js';

/** Entries of the state removed at the end of one block. */
const REMOVED_PER_BLOCK = 8;
/** Execution time that removing takes of a block, in picoseconds. */
export const REMOVING_REF_TIME = timeOf('ProofOfGradient.forget', REMOVED_PER_BLOCK * MAX_SCORES);

/** Counts payouts that a settlement has stored. */
export function countPayouts(state: StateAccess, count: number): void {
  const archive = epochArchive.get(state);
  epochArchive.put(state, { ...archive, entries: archive.entries + count });
}

/** Why no further epoch can be taken now: the blocks have not yet removed enough of the old ones. */
export function checkRoom(state: StateAccess): DispatchError | undefined {
  const { entries, payouts_from: payoutsFrom, epochs_from: epochsFrom } = epochArchive.get(state);
  const next = currentEpoch.get(state);
  const isFull =
    entries >= PAYOUTS_KEPT + PAYOUTS_OVER ||
    next - payoutsFrom >= PAYOUT_EPOCHS_KEPT + EPOCHS_OVER ||
    next - epochsFrom >= EPOCHS_KEPT + EPOCHS_OVER;
  return isFull ? gradientErrors.of('HistoryFull') : undefined;
}

/** Whether the next block's end has something to remove. */
export function isRemoving(state: StateAccess): boolean {
  return nextStep(state) !== undefined;
}

/** Removes what is too old or too much, a bounded number of entries. Part of every block's end. */
export function removeOldHistory(state: StateAccess): void {
  for (let removed = 0; removed < REMOVED_PER_BLOCK; removed++) {
    const step = nextStep(state);
    if (!step) return;
    step(state, epochArchive.get(state));
  }
}

type Step = (state: StateAccess, archive: EpochArchive) => void;

function nextStep(state: StateAccess): Step | undefined {
  const archive = epochArchive.get(state);
  const { entries, payouts_from: payoutsFrom, epochs_from: epochsFrom } = archive;
  const next = currentEpoch.get(state);
  if (payoutsFrom < next && (entries > PAYOUTS_KEPT || next - payoutsFrom > PAYOUT_EPOCHS_KEPT))
    return removePayouts;
  return epochsFrom < payoutsFrom && next - epochsFrom > EPOCHS_KEPT ? removeEpoch : undefined;
}

/** Removes one page of the oldest payouts, or what is left of their epoch. */
export function removePayouts(state: StateAccess, archive: EpochArchive): void {
  const { payouts_from: epoch, pages_from: page } = archive;
  const pages = epochPages.get(state, epoch);
  if (pages !== undefined && page < pages) {
    const key = payoutPages.keyOf([epoch, page]);
    const entries = archive.entries - countOf(state, key);
    epochArchive.put(state, {
      ...archive,
      entries,
      pages_from: page + 1,
      digest: remove(state, key, archive.digest),
    });
    return;
  }
  const entries = archive.entries - countOf(state, payouts.keyOf(epoch));
  const payments = rolePayments.get(state, epoch) ?? [];
  const shared = payments.reduce((sum, { amount }) => sum + amount, archive.shared);
  const withPayouts = remove(state, payouts.keyOf(epoch), archive.digest);
  const digest = remove(state, rolePayments.keyOf(epoch), withPayouts);
  epochPages.remove(state, epoch);
  epochArchive.put(state, { ...archive, entries, payouts_from: epoch + 1, pages_from: 0, shared, digest });
}

function removeEpoch(state: StateAccess, archive: EpochArchive): void {
  const epoch = archive.epochs_from;
  const minted = archive.minted + epochs.get(state, epoch)!.minted;
  const digest = remove(state, epochs.keyOf(epoch), archive.digest);
  epochArchive.put(state, { ...archive, epochs_from: epoch + 1, minted, digest });
}

/** Removes an entry, if it is there, and adds it to the digest. */
function remove(state: StateAccess, key: StorageKey, digest: HexString): HexString {
  const value = state.read(key);
  if (!value) return digest;
  state.write(key, undefined);
  return toHex(blake2b256(concatBytes(fromHex(digest), key.bytes, value)));
}

/** How many items a list in the state has; the items themselves are not decoded. */
export function countOf(state: StateAccess, key: StorageKey): number {
  const value = state.read(key);
  return value ? new ByteReader(value).count(1) : 0;
}
