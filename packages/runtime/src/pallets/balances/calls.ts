/** @file The calls of the Balances pallet, with Substrate's names, indices and arguments (CHAIN-4). */
import { bool, compactU128 } from '../../scale/primitives.js';
import type { ValueOf } from '../../scale/ScaleType.js';
import { type AccountId, multiAddress } from '../../scale/substrateTypes.js';
import { timeOf } from '../../weights/timeOf.js';
import {
  BAD_ORIGIN,
  CANNOT_LOOKUP,
  call,
  type DispatchError,
  type Origin,
  type PalletContext,
} from '../Pallet.js';
import { account } from '../system/storage.js';
import { checkTransfer, EXISTENTIAL_DEPOSIT, makeTransfer, spendable } from './ledger.js';

type MultiAddress = ValueOf<typeof multiAddress>;

/** Sends what `amountOf` says for the sender. */
function transfer(
  context: PalletContext,
  origin: Origin,
  plan: { dest: MultiAddress; keepAlive: boolean; amountOf: (from: AccountId) => bigint },
): DispatchError | undefined {
  if (origin.kind !== 'signed') return BAD_ORIGIN;
  if (plan.dest.type !== 'Id') return CANNOT_LOOKUP;
  const { signer: from } = origin;
  const order = { from, to: plan.dest.value, amount: plan.amountOf(from), keepAlive: plan.keepAlive };
  const refusal = checkTransfer(context, order);
  if (!refusal) makeTransfer(context, order);
  return refusal;
}

/** The most that can leave the account. */
function sendable(context: PalletContext, from: AccountId, keepAlive: boolean): bigint {
  const { data } = account.get(context.state, from);
  const most = spendable(data);
  if (!keepAlive) return most;
  const above = data.free > EXISTENTIAL_DEPOSIT ? data.free - EXISTENTIAL_DEPOSIT : 0n;
  return above < most ? above : most;
}

const transferDocs = (details: string): string[] => [
  `Origin: signed. Details: ${details}`,
  'Errors: InsufficientBalance, LiquidityRestrictions, Expendability, ExistentialDeposit. Events: Transfer.',
];

export const balancesCalls = {
  transfer_allow_death: call({
    index: 0,
    docs: transferDocs('sends `value`; closes the sender if less than the existential deposit is left.'),
    fields: { dest: multiAddress, value: compactU128 },
    class: 'Normal',
    refTime: () => timeOf('Balances.transfer_allow_death'),
    run: (context, origin, { dest, value }) =>
      transfer(context, origin, { dest, keepAlive: false, amountOf: () => value }),
  }),
  transfer_keep_alive: call({
    index: 3,
    docs: transferDocs('sends `value`, or fails if that would close the sender.'),
    fields: { dest: multiAddress, value: compactU128 },
    class: 'Normal',
    refTime: () => timeOf('Balances.transfer_keep_alive'),
    run: (context, origin, { dest, value }) =>
      transfer(context, origin, { dest, keepAlive: true, amountOf: () => value }),
  }),
  transfer_all: call({
    index: 4,
    docs: transferDocs(
      'sends everything that can be sent, the existential deposit excepted if `keep_alive`.',
    ),
    fields: { dest: multiAddress, keep_alive: bool },
    class: 'Normal',
    refTime: () => timeOf('Balances.transfer_all'),
    run: (context, origin, { dest, keep_alive: keepAlive }) =>
      transfer(context, origin, { dest, keepAlive, amountOf: (from) => sendable(context, from, keepAlive) }),
  }),
};
