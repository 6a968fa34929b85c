/** @file Invariants of the ProofOfGradient pallet, checked over a whole state (CHAIN-5). */
import { toHex } from '@alice/protocol';
import type { FullState } from '../Pallet.js';
import { now } from '../timestamp/index.js';
import { emittedBy } from './emission.js';
import { tryRewardAddresses } from './rewardAddress.js';
import {
  contributions,
  currentEpoch,
  epochArchive,
  epochPages,
  epochs,
  genesisTime,
  lastSettledAt,
  openEpochValue,
  payoutPages,
  payouts,
  rolePayments,
  roleShares,
  scorePages,
} from './storage.js';
import { type Payout, SHARE_DENOMINATOR } from './types.js';

/** Epochs are complete, pay what they minted, and never more than the schedule; contributions add up. */
export function tryProofOfGradient(state: FullState): string[] {
  const problems: string[] = [];
  const paidTo = new Map<string, bigint>();
  const settled = currentEpoch.get(state);
  const archive = epochArchive.get(state);
  let { minted } = archive;
  for (let index = archive.epochs_from; index < settled; index++) {
    const { problem, minted: mintedNow } = tryEpoch(state, index, paidTo);
    if (problem) problems.push(problem);
    minted += mintedNow;
  }
  const kept = settled - archive.epochs_from;
  if (state.keysOf(epochs).length !== kept)
    problems.push(`${state.keysOf(epochs).length} epochs are stored, ${kept} settled and kept`);
  const allowed = emittedBy(genesisTime.get(state), lastSettledAt.get(state));
  if (minted > allowed) problems.push(`${minted} planck are minted, the schedule allows ${allowed}`);
  if (lastSettledAt.get(state) > now.get(state)) problems.push('emission is settled into the future');
  const { training, scoring, infrastructure } = roleShares.get(state);
  if (training + scoring + infrastructure !== SHARE_DENOMINATOR)
    problems.push('role shares do not sum to the whole');
  problems.push(...tryOpenEpoch(state, paidTo), ...tryPayoutCount(state), ...tryRewardAddresses(state));
  return [...problems, ...tryContributions(state, paidTo, minted)];
}

function tryEpoch(
  state: FullState,
  index: number,
  paidTo: Map<string, bigint>,
): { problem?: string; minted: bigint } {
  const info = epochs.get(state, index);
  const { payouts_from: payoutsFrom, pages_from: pagesFrom } = epochArchive.get(state);
  const isWhole = index > payoutsFrom || (index === payoutsFrom && pagesFrom === 0);
  const list = index < payoutsFrom ? [] : payoutsOf(state, index);
  if (!info || !list || info.index !== index) return { problem: `epoch ${index} is incomplete`, minted: 0n };
  const sum = sumOf(rolePayments.get(state, index) ?? []) + addPayouts(list, paidTo);
  if (!isWhole || sum === info.minted) return { minted: info.minted };
  return { problem: `epoch ${index} minted ${info.minted} planck but paid ${sum}`, minted: info.minted };
}

/** The number of kept payouts is the one that decides what is removed. */
function tryPayoutCount(state: FullState): string[] {
  let stored = 0;
  for (const key of state.keysOf(payouts)) stored += payouts.get(state, payouts.keyFrom(key))!.length;
  for (const key of state.keysOf(payoutPages))
    stored += payoutPages.get(state, payoutPages.keyFrom(key))!.length;
  const { entries } = epochArchive.get(state);
  return stored === entries ? [] : [`${stored} payouts are stored, ${entries} counted`];
}

const sumOf = (list: readonly { readonly amount: bigint }[]): bigint =>
  list.reduce((sum, { amount }) => sum + amount, 0n);

/** All payouts of a settled epoch, in one list or in pages. */
function payoutsOf(state: FullState, index: number): readonly Payout[] | undefined {
  const pages = epochPages.get(state, index);
  if (pages === undefined) return payouts.get(state, index);
  const all: Payout[] = [];
  const { payouts_from: payoutsFrom, pages_from: pagesFrom } = epochArchive.get(state);
  for (let page = index === payoutsFrom ? pagesFrom : 0; page < pages; page++) {
    const list = payoutPages.get(state, [index, page]);
    if (!list) return undefined;
    all.push(...list);
  }
  return all;
}

function addPayouts(list: readonly Payout[], paidTo: Map<string, bigint>): bigint {
  let sum = 0n;
  for (const { account, amount } of list) {
    sum += amount;
    paidTo.set(toHex(account), (paidTo.get(toHex(account)) ?? 0n) + amount);
  }
  return sum;
}

/** The open epoch is the next one, has exactly the pages it counts, and pays no more than it fixed. */
function tryOpenEpoch(state: FullState, paidTo: Map<string, bigint>): string[] {
  const open = openEpochValue.get(state);
  const waiting = state.keysOf(scorePages).length;
  if (!open) return waiting === 0 ? [] : [`${waiting} pages of scores belong to no epoch`];
  const problems: string[] = [];
  const { index, pages, paying } = open;
  if (index !== currentEpoch.get(state)) problems.push(`epoch ${index} is open out of order`);
  const paidPages = paying?.next_page ?? 0;
  if (waiting !== pages - paidPages) problems.push(`${waiting} pages wait, not ${pages - paidPages}`);
  if (!paying) return problems;
  let sum = sumOf(rolePayments.get(state, index) ?? []);
  for (let page = 0; page < paidPages; page++)
    sum += addPayouts(payoutPages.get(state, [index, page]) ?? [], paidTo);
  if (sum !== paying.minted) problems.push(`the open epoch minted ${paying.minted} planck but paid ${sum}`);
  const genesis = genesisTime.get(state);
  if (sum > emittedBy(genesis, paying.ended_at) - emittedBy(genesis, paying.started_at))
    problems.push('the open epoch pays more than the schedule allows');
  return problems;
}

/** Everything minted was paid to role accounts or is in someone's `total_paid`; kept payouts are part of that. */
function tryContributions(state: FullState, paidTo: ReadonlyMap<string, bigint>, minted: bigint): string[] {
  const problems: string[] = [];
  const archive = epochArchive.get(state);
  const isAllKept = archive.payouts_from === 0 && archive.pages_from === 0;
  let paid = archive.shared;
  for (const key of state.keysOf(rolePayments))
    paid += sumOf(rolePayments.get(state, rolePayments.keyFrom(key))!);
  for (const key of state.keysOf(contributions)) {
    const who = contributions.keyFrom(key);
    const {
      total_paid: total,
      first_epoch: first,
      last_epoch: last,
      epochs: count,
    } = contributions.get(state, who)!;
    const known = paidTo.get(toHex(who)) ?? 0n;
    paid += total;
    if (total < known || (isAllKept && total !== known))
      problems.push(`${toHex(who)}: total_paid is not the sum of payouts`);
    if (count < 1 || first > last || count > last - first + 1)
      problems.push(`${toHex(who)}: impossible epoch counts`);
  }
  const all = minted + (openEpochValue.get(state)?.paying?.minted ?? 0n);
  if (paid !== all) problems.push(`${all} planck are minted but ${paid} were paid since genesis`);
  return problems;
}
