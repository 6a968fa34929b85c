/** @file Events and errors of the Balances pallet, with Substrate's indices. */
import { u128 } from '../../scale/primitives.js';
import { accountId } from '../../scale/substrateTypes.js';
import { defineErrors, defineEvents } from '../Pallet.js';

export const balancesIdentity = { name: 'Balances', module: 'pallet_balances', index: 4 } as const;

export const balancesEvents = defineEvents(balancesIdentity.module, balancesIdentity.index, {
  Endowed: { index: 0, fields: { account: accountId, free_balance: u128 } },
  DustLost: { index: 1, fields: { account: accountId, amount: u128 } },
  Transfer: { index: 2, fields: { from: accountId, to: accountId, amount: u128 } },
  Reserved: { index: 4, fields: { who: accountId, amount: u128 } },
  Unreserved: { index: 5, fields: { who: accountId, amount: u128 } },
  Deposit: { index: 7, fields: { who: accountId, amount: u128 } },
  Withdraw: { index: 8, fields: { who: accountId, amount: u128 } },
  Slashed: { index: 9, fields: { who: accountId, amount: u128 } },
  Minted: { index: 10, fields: { who: accountId, amount: u128 } },
});

export const balancesErrors = defineErrors(balancesIdentity, {
  LiquidityRestrictions: { index: 1, docs: ['Part of the balance is frozen.'] },
  InsufficientBalance: { index: 2, docs: ['The balance is too low to send this amount.'] },
  ExistentialDeposit: { index: 3, docs: ['The amount is too small to open an account.'] },
  Expendability: { index: 4, docs: ['The sender would be left with less than the existential deposit.'] },
});
