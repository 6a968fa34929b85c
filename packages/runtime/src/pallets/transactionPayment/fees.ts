/**
 * @file What a transaction costs: a base, a price per byte, a price for its execution time, and the tip. Taken before the call, given in full to the
 * fee collector after it; a call that is free on success gives the fee back, never the tip.
 */
import { u128 } from '../../scale/primitives.js';
import { accountId } from '../../scale/substrateTypes.js';
import { balancesEvents } from '../balances/events.js';
import { credit, debit } from '../balances/ledger.js';
import { defineEvents, type PalletContext } from '../Pallet.js';

/** 0.0001 ALICE. Above the existential deposit, so that opening accounts always costs more than it keeps. */
export const BASE_FEE = 100_000_000n;
/** 0.0000001 ALICE. */
export const FEE_PER_BYTE = 100_000n;

export const paymentIdentity = {
  name: 'TransactionPayment',
  module: 'pallet_transaction_payment',
  index: 5,
} as const;

export const paymentEvents = defineEvents(paymentIdentity.module, paymentIdentity.index, {
  TransactionFeePaid: { index: 0, fields: { who: accountId, actual_fee: u128, tip: u128 } },
});

/** Picoseconds of a call's execution that cost one planck: a transfer costs about a hundredth of the base for it. */
export const PICOSECONDS_PER_PLANCK = 100n;

/** What the execution of a call costs, in planck. */
export function weightFee(refTime: bigint): bigint {
  return refTime / PICOSECONDS_PER_PLANCK;
}

/** What the length of an extrinsic costs, in planck. */
export function lengthFee(lengthBytes: number): bigint {
  return FEE_PER_BYTE * BigInt(lengthBytes);
}

/** The fee of an extrinsic, in planck, without the tip; `callRefTime` is the call's own, without the extrinsic's base. */
export function feeOf(lengthBytes: number, callRefTime: bigint): bigint {
  return BASE_FEE + lengthFee(lengthBytes) + weightFee(callRefTime);
}

interface Payment {
  readonly who: Uint8Array;
  readonly fee: bigint;
  readonly tip: bigint;
}

/** Takes fee and tip; the caller has checked that the account can pay. */
export function withdrawFee(context: PalletContext, { who, fee, tip }: Payment): void {
  debit(context, who, fee + tip);
  balancesEvents.deposit(context, 'Withdraw', { who, amount: fee + tip });
}

/** Gives back what a free call paid and the rest to the fee collector. */
export function settleFee(context: PalletContext, { who, fee, tip }: Payment, isFree: boolean): void {
  if (isFree) payOut(context, who, fee);
  const actualFee = isFree ? 0n : fee;
  payOut(context, context.feeCollector, actualFee + tip);
  paymentEvents.deposit(context, 'TransactionFeePaid', { who, actual_fee: actualFee + tip, tip });
}

function payOut(context: PalletContext, who: Uint8Array, amount: bigint): void {
  if (amount === 0n) return;
  credit(context, who, amount);
  balancesEvents.deposit(context, 'Deposit', { who, amount });
}
