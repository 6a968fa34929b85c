/**
 * @file The only code that moves or makes money. Every function keeps: total issuance = sum of balances, and no open
 * account except the fee collector's holds less than the existential deposit. What would be lost as dust goes to the
 * fee collector, so nothing is ever burned. Checks are separate from writes (CHAIN-5).
 */
import { equalBytes } from '@alice/protocol';
import type { AccountId } from '../../scale/substrateTypes.js';
import type { DispatchError, PalletContext } from '../Pallet.js';
import { systemEvents } from '../system/events.js';
import { account } from '../system/storage.js';
import type { AccountInfo } from '../system/types.js';
import { balancesErrors, balancesEvents } from './events.js';
import { holds, totalIssuance } from './storage.js';
import type { HoldReason } from './types.js';

/** The least an account holds, in planck: tiny, but a forgotten account is not kept for less. */
export const EXISTENTIAL_DEPOSIT = 500n;

type AccountData = AccountInfo['data'];

/** What of `free` may leave the account: frozen funds stay, but reserved ones count towards them. */
export function spendable({ free, reserved, frozen }: AccountData): bigint {
  const held = frozen > reserved ? frozen - reserved : 0n;
  return free > held ? free - held : 0n;
}

/** Whether `amount` can be taken while the account stays open. */
export function canPay(context: PalletContext, who: AccountId, amount: bigint): boolean {
  const { data } = account.get(context.state, who);
  if (spendable(data) < amount) return false;
  return data.free - amount >= EXISTENTIAL_DEPOSIT || isFeeCollector(context, who);
}

/** Adds to a balance and opens the account if need be; too little to open one goes to the fee collector. */
export function credit(context: PalletContext, who: AccountId, amount: bigint): void {
  if (amount === 0n) return;
  const info = account.get(context.state, who);
  if (info.providers > 0) putFree(context, who, info, info.data.free + amount);
  else if (amount >= EXISTENTIAL_DEPOSIT || isFeeCollector(context, who)) open(context, who, info, amount);
  else collectDust(context, who, amount);
}

/** Takes from a balance that `canPay` it or passed `checkTransfer`; closes the account if too little is left. */
export function debit(context: PalletContext, who: AccountId, amount: bigint): void {
  const info = account.get(context.state, who);
  const left = info.data.free - amount;
  const stays = left >= EXISTENTIAL_DEPOSIT || isFeeCollector(context, who) || !canClose(info);
  if (stays) putFree(context, who, info, left);
  else close(context, who, info, left);
}

export interface Transfer {
  readonly from: AccountId;
  readonly to: AccountId;
  readonly amount: bigint;
  /** Refuse rather than close the sender's account. */
  readonly keepAlive: boolean;
}

/** Why a transfer cannot be made, or `undefined`. */
export function checkTransfer(
  context: PalletContext,
  { from, to, amount, keepAlive }: Transfer,
): DispatchError | undefined {
  const sender = account.get(context.state, from);
  if (sender.data.free < amount) return balancesErrors.of('InsufficientBalance');
  if (spendable(sender.data) < amount) return balancesErrors.of('LiquidityRestrictions');
  if (equalBytes(from, to)) return undefined;
  const low = sender.data.free - amount < EXISTENTIAL_DEPOSIT;
  const mustStay = keepAlive || (!canClose(sender) && !isFeeCollector(context, from));
  if (low && mustStay) return balancesErrors.of('Expendability');
  const opened = account.get(context.state, to).providers > 0;
  return opened || amount >= EXISTENTIAL_DEPOSIT ? undefined : balancesErrors.of('ExistentialDeposit');
}

/** Makes a transfer that `checkTransfer` allows. */
export function makeTransfer(context: PalletContext, { from, to, amount }: Transfer): void {
  if (!equalBytes(from, to)) {
    debit(context, from, amount);
    credit(context, to, amount);
  }
  balancesEvents.deposit(context, 'Transfer', { from, to, amount });
}

/** Makes new money and pays it out; the one place where issuance grows after genesis. */
export function mint(
  context: PalletContext,
  payments: readonly { readonly to: AccountId; readonly amount: bigint }[],
): void {
  const total = payments.reduce((sum, { amount }) => sum + amount, 0n);
  totalIssuance.put(context.state, totalIssuance.get(context.state) + total);
  for (const { to, amount } of payments) {
    credit(context, to, amount);
    balancesEvents.deposit(context, 'Minted', { who: to, amount });
  }
}

/** Whether `amount` can be set aside while the account stays open with its existential deposit. */
export function canHold(context: PalletContext, who: AccountId, amount: bigint): boolean {
  const { data, providers } = account.get(context.state, who);
  return providers > 0 && spendable(data) >= amount && data.free - amount >= EXISTENTIAL_DEPOSIT;
}

/** Moves from free to reserved what `canHold` allows; the account cannot close while anything is reserved. */
export function hold(context: PalletContext, who: AccountId, { reason, amount }: Hold): void {
  if (amount === 0n) return;
  moveReserved(context, who, { reserved: amount, free: -amount });
  addToHold(context, who, { reason, amount });
  balancesEvents.deposit(context, 'Reserved', { who, amount });
}

/** Moves held money back to free. The caller knows that so much is held. */
export function release(context: PalletContext, who: AccountId, { reason, amount }: Hold): void {
  if (amount === 0n) return;
  moveReserved(context, who, { reserved: -amount, free: amount });
  addToHold(context, who, { reason, amount: -amount });
  balancesEvents.deposit(context, 'Unreserved', { who, amount });
}

/** Takes held money away and gives it to others: the payments must sum to the amount, so issuance stays. */
export function slashHeld(
  context: PalletContext,
  who: AccountId,
  { reason, amount, to }: Hold & { readonly to: readonly { account: AccountId; amount: bigint }[] },
): void {
  if (amount === 0n) return;
  if (to.reduce((sum, payment) => sum + payment.amount, 0n) !== amount)
    throw new Error('cannot happen: a slash is paid out in full');
  moveReserved(context, who, { reserved: -amount, free: 0n });
  addToHold(context, who, { reason, amount: -amount });
  balancesEvents.deposit(context, 'Slashed', { who, amount });
  for (const { account: receiver, amount: part } of to) {
    if (part === 0n) continue;
    credit(context, receiver, part);
    balancesEvents.deposit(context, 'Deposit', { who: receiver, amount: part });
  }
}

export interface Hold {
  readonly reason: HoldReason;
  readonly amount: bigint;
}

function moveReserved(
  context: PalletContext,
  who: AccountId,
  { reserved, free }: { reserved: bigint; free: bigint },
): void {
  const info = account.get(context.state, who);
  const { data } = info;
  account.put(context.state, who, {
    ...info,
    data: { ...data, free: data.free + free, reserved: data.reserved + reserved },
  });
}

function addToHold(context: PalletContext, who: AccountId, { reason, amount }: Hold): void {
  const known = holds.get(context.state, who);
  const isSame = ({ id }: (typeof known)[number]) => id.type === reason.type && id.value === reason.value;
  const others = known.filter((entry) => !isSame(entry));
  const held = (known.find(isSame)?.amount ?? 0n) + amount;
  const next = held === 0n ? others : [...others, { id: reason, amount: held }];
  if (next.length === 0) holds.remove(context.state, who);
  else holds.put(context.state, who, next);
}

const isFeeCollector = (context: PalletContext, who: AccountId): boolean =>
  equalBytes(who, context.feeCollector);
const canClose = ({ consumers, data }: AccountInfo): boolean =>
  consumers === 0 && data.reserved === 0n && data.frozen === 0n;

function open(context: PalletContext, who: AccountId, info: AccountInfo, amount: bigint): void {
  putFree(context, who, { ...info, providers: 1 }, info.data.free + amount);
  systemEvents.deposit(context, 'NewAccount', { account: who });
  balancesEvents.deposit(context, 'Endowed', { account: who, free_balance: amount });
}

/** The record stays with its nonce, so that no transaction of the account can be replayed when it opens again. */
function close(context: PalletContext, who: AccountId, info: AccountInfo, dust: bigint): void {
  putFree(context, who, { ...info, providers: 0 }, 0n);
  systemEvents.deposit(context, 'KilledAccount', { account: who });
  if (dust > 0n) collectDust(context, who, dust);
}

function putFree(context: PalletContext, who: AccountId, info: AccountInfo, free: bigint): void {
  account.put(context.state, who, { ...info, data: { ...info.data, free } });
}

function collectDust(context: PalletContext, from: AccountId, amount: bigint): void {
  balancesEvents.deposit(context, 'DustLost', { account: from, amount });
  credit(context, context.feeCollector, amount);
}
