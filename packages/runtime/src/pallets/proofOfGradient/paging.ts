/**
 * @file An epoch reported in pages, so that any number of entries is settled in blocks of bounded size: begin, pages in
 * order, finish; then every block pays a few pages until all are paid. Safe to repeat after a crash: what is in is
 * refused without effect, and `OpenEpoch` says what comes next. Amounts are fixed when the report is finished.
 */
import { equalBytes } from '@alice/protocol';
import type { FieldValues } from '../../scale/records.js';
import type { AccountId } from '../../scale/substrateTypes.js';
import type { StateAccess } from '../../storage/Overlay.js';
import { timeOf } from '../../weights/timeOf.js';
import type { DispatchError, PalletContext } from '../Pallet.js';
import { now } from '../timestamp/index.js';
import { runningPart } from './apportion.js';
import { checkFacts, checkScores, compareEntries, type factFields } from './calls.js';
import { gradientErrors, gradientEvents } from './events.js';
import { countPayouts } from './history.js';
import { MAX_EPOCH_ENTRIES, MAX_PAGE_ENTRIES, MAX_PAGES } from './limits.js';
import { recordContribution } from './recordContribution.js';
import { payEntries, payRoleAccounts, rewardFor, withoutRoleShares } from './reward.js';
import { earnedParts } from './settlement.js';
import {
  currentEpoch,
  epochPages,
  epochs,
  lastSettledAt,
  openEpochValue,
  parameterServer,
  payoutPages,
  roleShares,
  scorePages,
} from './storage.js';
import { FIELD_OF, type OpenEpoch, type Payout, type PerRole, type Role, type ScoreEntry } from './types.js';

/** Pages paid at the end of one block. */
const PAGES_PER_BLOCK = 2;
/** Execution time that paying takes of a block, in picoseconds. */
export const PAYING_REF_TIME = timeOf('ProofOfGradient.pay', PAGES_PER_BLOCK * MAX_PAGE_ENTRIES);

const ZERO: PerRole = { training: 0n, scoring: 0n, infrastructure: 0n };

type Facts = FieldValues<typeof factFields>;
type Paying = NonNullable<OpenEpoch['paying']>;

export function beginEpoch(
  context: PalletContext,
  signer: AccountId,
  { entries, ...facts }: Facts & { readonly entries: number },
): DispatchError | undefined {
  const { state } = context;
  const refusal = checkFacts(state, signer, facts);
  if (refusal) return refusal;
  if (openEpochValue.get(state)) return gradientErrors.of('EpochOpen');
  if (entries > MAX_EPOCH_ENTRIES) return gradientErrors.of('TooManyScores');
  const { epoch: index, ...rest } = facts;
  openEpochValue.put(state, {
    index,
    ...rest,
    entries,
    pages: 0,
    received: 0,
    last: undefined,
    totals: ZERO,
    paying: undefined,
  });
  gradientEvents.deposit(context, 'EpochOpened', { epoch: index, entries });
  return undefined;
}

/** Takes page number `page`; pages come in order, and entries ascend across them. */
export function receivePage(
  context: PalletContext,
  signer: AccountId,
  { epoch, page, scores }: { epoch: number; page: number; scores: readonly ScoreEntry[] },
): DispatchError | undefined {
  const { state } = context;
  const open = openEpochOf(state, signer, epoch);
  if ('kind' in open) return open;
  if (page < open.pages) return gradientErrors.of('PageAlreadyReceived');
  if (page > open.pages) return gradientErrors.of('PageOutOfOrder');
  const refusal = checkPage(open, scores);
  if (refusal) return refusal;
  const totals = { ...open.totals };
  for (const { role, score } of scores) totals[FIELD_OF[role]] += score;
  const { role, account } = scores.at(-1)!;
  const received = open.received + scores.length;
  scorePages.put(state, page, scores);
  openEpochValue.put(state, { ...open, pages: page + 1, received, totals, last: [role, account] });
  gradientEvents.deposit(context, 'ScoresReceived', { epoch, page, received });
  return undefined;
}

/** Fixes the reward and lets the blocks pay it. */
export function finishEpoch(
  context: PalletContext,
  signer: AccountId,
  epoch: number,
): DispatchError | undefined {
  const { state } = context;
  const open = openEpochOf(state, signer, epoch);
  if ('kind' in open) return open;
  if (open.received !== open.entries) return gradientErrors.of('EntriesMissing');
  const startedAt = lastSettledAt.get(state);
  const endedAt = now.get(state);
  const totals = {
    Training: open.totals.training,
    Scoring: open.totals.scoring,
    Infrastructure: open.totals.infrastructure,
  };
  const earned = earnedParts(rewardFor(state, startedAt, endedAt), roleShares.get(state), totals);
  const { left, payments } = withoutRoleShares(state, earned);
  payRoleAccounts(context, epoch, payments);
  const shared = payments.reduce((sum, { amount }) => sum + amount, 0n);
  const paying = {
    started_at: startedAt,
    ended_at: endedAt,
    parts: { training: left.Training, scoring: left.Scoring, infrastructure: left.Infrastructure },
    paid: ZERO,
    next_page: 0,
    payouts: 0,
    minted: shared,
  };
  openEpochValue.put(state, { ...open, paying });
  const reward = earned.Training + earned.Scoring + earned.Infrastructure;
  gradientEvents.deposit(context, 'EpochClosed', { epoch, reward });
  return undefined;
}

/** Forgets an epoch whose pages are not complete, so that it can be reported again. */
export function abortEpoch(
  context: PalletContext,
  signer: AccountId,
  epoch: number,
): DispatchError | undefined {
  const { state } = context;
  const open = openEpochOf(state, signer, epoch);
  if ('kind' in open) return open;
  for (let page = 0; page < open.pages; page++) scorePages.remove(state, page);
  openEpochValue.put(state, undefined);
  gradientEvents.deposit(context, 'EpochAborted', { epoch });
  return undefined;
}

/** Pays the next pages of a finished report. Part of every block's end. */
export function payNextPages(context: PalletContext): void {
  for (let paid = 0; paid < PAGES_PER_BLOCK; paid++) {
    const open = openEpochValue.get(context.state);
    if (!open?.paying) return;
    if (open.paying.next_page < open.pages) payPage(context, open, open.paying);
    else settleOpen(context, open, open.paying);
  }
}

/** Whether blocks have pages to pay, and so less time for other things. */
export function isPaying(state: StateAccess): boolean {
  return openEpochValue.get(state)?.paying !== undefined;
}

function payPage(context: PalletContext, open: OpenEpoch, paying: Paying): void {
  const { state } = context;
  const page = paying.next_page;
  const paid = { ...paying.paid };
  const list: Payout[] = scorePages.get(state, page)!.map((entry) => {
    const field = FIELD_OF[entry.role as Role];
    const place = { score: entry.score, before: paid[field], total: open.totals[field] };
    paid[field] += entry.score;
    return { ...entry, amount: runningPart(paying.parts[field], place) };
  });
  const rewarded = list.filter(({ amount }) => amount > 0n);
  payEntries(context, open.index, rewarded);
  for (const payout of list) recordContribution(state, open.index, payout);
  payoutPages.put(state, [open.index, page], list);
  countPayouts(state, list.length);
  scorePages.remove(state, page);
  const minted = rewarded.reduce((sum, { amount }) => sum + amount, paying.minted);
  const next = { ...paying, paid, minted, next_page: page + 1, payouts: paying.payouts + rewarded.length };
  openEpochValue.put(state, { ...open, paying: next });
  if (next.next_page === open.pages) settleOpen(context, open, next);
}

function settleOpen(context: PalletContext, open: OpenEpoch, paying: Paying): void {
  const { state } = context;
  const { index, from_version, to_version, state_root, held_out_loss, shards_covered, receipts_root } = open;
  const { started_at, ended_at, minted, payouts } = paying;
  const facts = { from_version, to_version, state_root, held_out_loss, shards_covered, receipts_root };
  epochs.put(state, index, { index, started_at, ended_at, ...facts, minted });
  epochPages.put(state, index, open.pages);
  currentEpoch.put(state, index + 1);
  // CHAIN-1: as in a single report, an epoch without training leaves its time to the next one.
  if (open.totals.training > 0n) lastSettledAt.put(state, ended_at);
  openEpochValue.put(state, undefined);
  gradientEvents.deposit(context, 'EpochSettled', { epoch: index, minted, payouts });
}

/** The open epoch if the signer may go on with it. */
function openEpochOf(state: StateAccess, signer: AccountId, epoch: number): OpenEpoch | DispatchError {
  if (!equalBytes(signer, parameterServer.get(state))) return gradientErrors.of('NotParameterServer');
  if (epoch < currentEpoch.get(state)) return gradientErrors.of('EpochAlreadySettled');
  const open = openEpochValue.get(state);
  if (!open || open.index !== epoch) return gradientErrors.of('NoOpenEpoch');
  return open.paying ? gradientErrors.of('EpochPaying') : open;
}

function checkPage(open: OpenEpoch, scores: readonly ScoreEntry[]): DispatchError | undefined {
  const first = scores[0];
  if (!first) return gradientErrors.of('PageEmpty');
  const isTooMuch = scores.length > MAX_PAGE_ENTRIES || open.received + scores.length > open.entries;
  if (isTooMuch || open.pages >= MAX_PAGES) return gradientErrors.of('TooManyScores');
  if (open.last) {
    const [role, account] = open.last;
    const order = compareEntries({ role, account, score: 0n }, first);
    if (order === 0) return gradientErrors.of('DuplicateScore');
    if (order > 0) return gradientErrors.of('ScoresNotAscending');
  }
  return checkScores(scores);
}
