/** @file The Balances pallet: transfers, and the shapes wallets read. Money is moved in `ledger.ts` only. */
import { u32, u128 } from '../../scale/primitives.js';
import type { ScaleType } from '../../scale/ScaleType.js';
import { constant, type Pallet } from '../Pallet.js';
import { balancesCalls } from './calls.js';
import { balancesErrors, balancesEvents, balancesIdentity } from './events.js';
import { EXISTENTIAL_DEPOSIT } from './ledger.js';
import { balancesStorage } from './storage.js';

const LIST_LIMIT = 50;

export const balances: Pallet = {
  ...balancesIdentity,
  storage: balancesStorage,
  constants: {
    ExistentialDeposit: constant(u128, EXISTENTIAL_DEPOSIT, 'The least an account holds, in planck.'),
    MaxLocks: constant(u32, LIST_LIMIT, 'Locks per account.'),
    MaxReserves: constant(u32, LIST_LIMIT, 'Named reserves per account.'),
    MaxFreezes: constant(u32, LIST_LIMIT, 'Freezes per account.'),
  },
  calls: balancesCalls,
  events: balancesEvents.type as ScaleType<unknown>,
  errors: balancesErrors.type,
};
