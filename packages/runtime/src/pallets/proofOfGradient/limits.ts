/**
 * @file How large reports may be and how much of settled epochs stays in the state. More is kept nowhere in it: what a
 * limit pushes out is summed up in `EpochArchive` (`history.ts`). Consensus.
 */

/** Most entries of one report in one call. */
export const MAX_SCORES = 10_000;
/** Keeps a cumulative score inside u128 for as many epochs as an index can count. */
export const MAX_SCORE = (1n << 96n) - 1n;
/** Most entries of one page. */
export const MAX_PAGE_ENTRIES = 1_000;
/** Most entries of one epoch in pages. */
export const MAX_EPOCH_ENTRIES = 100_000;
/** Most pages of one epoch; a page may be small, but not all can be. */
export const MAX_PAGES = 200;

/** Records of so many epochs stay. */
export const EPOCHS_KEPT = 10_000;
/** Payouts of so many epochs stay, if they are not too many together. */
export const PAYOUT_EPOCHS_KEPT = 1_000;
/** Payouts of the oldest epochs go while there are more than this. */
export const PAYOUTS_KEPT = 1_000_000;
/** By so much the limits above may be passed until old epochs have gone; then no further epoch is taken. */
export const EPOCHS_OVER = 64;
export const PAYOUTS_OVER = MAX_EPOCH_ENTRIES;
