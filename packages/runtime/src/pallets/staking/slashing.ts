/**
 * @file Slashes: reported, then applied after a delay in which root may cancel them. A slash takes at most what is
 * bonded, unbonding funds included; the reporter gets a share, the treasury the rest, so issuance stays exact.
 */
import { slashHeld } from '../balances/ledger.js';
import type { PalletContext } from '../Pallet.js';
import { now } from '../timestamp/index.js';
import { TREASURY } from '../treasury/pots.js';
import { BOND, minimumStake, putLedger, sumOf } from './bonding.js';
import { chill } from './candidacy.js';
import { stakingEvents } from './events.js';
import { PER_BILLION, TEN_THOUSAND } from './rules.js';
import {
  ledgers,
  MAX_PENDING_SLASHES,
  nextSlash,
  pendingSlashes,
  rules,
  unappliedSlashes,
} from './storage.js';
import type { StakingLedger, UnappliedSlash, UnlockChunk } from './types.js';

/** Slashes applied at the end of one block. */
const MAX_APPLIED_PER_BLOCK = 32;

export interface SlashReport extends Pick<UnappliedSlash, 'stash' | 'kind' | 'share' | 'reporter'> {}

/** Notes a slash for later; `undefined` where nothing is bonded. Never refuses: with too many waiting it acts at once. */
export function reportSlash(context: PalletContext, report: SlashReport): number | undefined {
  const { state } = context;
  const ledger = ledgers.get(state, report.stash);
  const time = now.get(state);
  const base = ledger ? ledger.active + sumOf(ledger.unlocking.filter(({ at }) => at > time)) : 0n;
  if (!ledger || base === 0n || report.share === 0) return undefined;
  const id = nextSlash.get(state);
  const appliesAt = time + rules.get(state).slash_defer_ms;
  nextSlash.put(state, id + 1);
  unappliedSlashes.put(state, id, { ...report, base, applies_at: appliesAt });
  const waiting = pendingSlashes.get(state);
  pendingSlashes.put(state, [...waiting, id]);
  ledgers.put(state, report.stash, { ...ledger, pending_slashes: ledger.pending_slashes + 1 });
  const { stash, kind, share } = report;
  stakingEvents.deposit(context, 'SlashReported', {
    id,
    stash,
    kind,
    amount: partOf(base, share),
    applies_at: appliesAt,
  });
  if (waiting.length >= MAX_PENDING_SLASHES) applySlash(context, id);
  return id;
}

/** Makes a waiting slash larger; a smaller share changes nothing. */
export function raiseSlash(context: PalletContext, id: number, share: number): void {
  const slash = unappliedSlashes.get(context.state, id);
  if (!slash || slash.share >= share) return;
  unappliedSlashes.put(context.state, id, { ...slash, share });
  stakingEvents.deposit(context, 'SlashRaised', {
    id,
    stash: slash.stash,
    amount: partOf(slash.base, share),
  });
}

/** Drops a waiting slash; `false` if there is none of that number. */
export function cancelSlash(context: PalletContext, id: number): boolean {
  const slash = take(context, id);
  if (!slash) return false;
  stakingEvents.deposit(context, 'SlashCancelled', { id, stash: slash.stash });
  return true;
}

/** Applies the slashes whose time has come, oldest first, a bounded number per block. */
export function applyDueSlashes(context: PalletContext): void {
  const { state } = context;
  const waiting = pendingSlashes.get(state);
  if (waiting.length === 0) return;
  const time = now.get(state);
  const due = waiting.filter((id) => unappliedSlashes.get(state, id)!.applies_at <= time);
  for (const id of due.slice(0, MAX_APPLIED_PER_BLOCK)) applySlash(context, id);
}

function applySlash(context: PalletContext, id: number): void {
  const slash = take(context, id);
  const ledger = slash && ledgers.get(context.state, slash.stash);
  if (!ledger) throw new Error('cannot happen: a waiting slash keeps its bond');
  const wanted = partOf(slash.base, slash.share);
  const amount = wanted < ledger.total ? wanted : ledger.total;
  const reward = slash.reporter
    ? (amount * BigInt(rules.get(context.state).reporter_share)) / TEN_THOUSAND
    : 0n;
  slashHeld(context, slash.stash, {
    reason: BOND,
    amount,
    to: [
      { account: slash.reporter ?? TREASURY, amount: reward },
      { account: TREASURY, amount: amount - reward },
    ],
  });
  const rest = reduced(ledger, amount);
  if (rest.active < minimumStake(context.state, rest.role)) chill(context, slash.stash);
  putLedger(context.state, rest);
  const { stash, reporter } = slash;
  stakingEvents.deposit(context, 'Slashed', { id, stash, amount, reporter, reward });
}

/** Takes a slash off the lists. */
function take({ state }: PalletContext, id: number): UnappliedSlash | undefined {
  const slash = unappliedSlashes.get(state, id);
  if (!slash) return undefined;
  unappliedSlashes.remove(state, id);
  pendingSlashes.put(
    state,
    pendingSlashes.get(state).filter((other) => other !== id),
  );
  const ledger = ledgers.get(state, slash.stash);
  if (ledger) ledgers.put(state, slash.stash, { ...ledger, pending_slashes: ledger.pending_slashes - 1 });
  return slash;
}

/** The ledger without `amount`: first from what is active, then from what would leave last. */
function reduced(ledger: StakingLedger, amount: bigint): StakingLedger {
  let left = amount;
  const minus = (value: bigint): bigint => {
    const taken = left < value ? left : value;
    left -= taken;
    return value - taken;
  };
  const active = minus(ledger.active);
  const unlocking: UnlockChunk[] = [];
  for (const { value, at } of [...ledger.unlocking].reverse()) {
    const kept = minus(value);
    if (kept > 0n) unlocking.unshift({ value: kept, at });
  }
  return { ...ledger, total: ledger.total - amount, active, unlocking };
}

function partOf(base: bigint, share: number): bigint {
  return (base * BigInt(share)) / PER_BILLION;
}
