/**
 * @file The Treasury pallet: spends from the accounts that nobody has a key of. The origin is root, which is `Sudo`
 * while the network is young; when that key is removed nothing can be spent until a release gives another origin this
 * right. Every spending is an event and counted. It moves money and never makes any.
 */
import { u128 } from '../../scale/primitives.js';
import type { ScaleType } from '../../scale/ScaleType.js';
import { accountId, multiAddress } from '../../scale/substrateTypes.js';
import { timeOf } from '../../weights/timeOf.js';
import { checkTransfer, makeTransfer } from '../balances/ledger.js';
import {
  BAD_ORIGIN,
  CANNOT_LOOKUP,
  call,
  constant,
  defineErrors,
  defineEvents,
  type Pallet,
} from '../Pallet.js';
import { POT_ACCOUNTS, potType } from './pots.js';
import { spent } from './storage.js';

const identity = { name: 'Treasury', module: 'pallet_treasury', index: 14 } as const;

const events = defineEvents(identity.module, identity.index, {
  Spent: { index: 0, fields: { pot: potType, beneficiary: accountId, amount: u128 } },
});

const errors = defineErrors(identity, {
  NothingToSpend: { index: 0, docs: ['Spend at least one planck.'] },
});

const potAccount = (pot: keyof typeof POT_ACCOUNTS, docs: string) =>
  constant(accountId, POT_ACCOUNTS[pot], docs);

export const treasury: Pallet = {
  ...identity,
  storage: [spent],
  constants: {
    TreasuryAccount: potAccount('Treasury', 'Receives slashed bonds; only root can spend it.'),
    TrainingAccount: potAccount('Training', 'For a share of what training earns; only root can spend it.'),
    ScoringAccount: potAccount('Scoring', 'For a share of what scoring earns; only root can spend it.'),
    InfrastructureAccount: potAccount(
      'Infrastructure',
      'For a share of what infrastructure earns; only root can spend it.',
    ),
  },
  calls: {
    spend: call({
      index: 0,
      docs: [
        'Origin: root. Details: pays from an account that nobody has a key of. Events: Spent, Transfer.',
      ],
      fields: { pot: potType, beneficiary: multiAddress, amount: u128 },
      class: 'Operational',
      refTime: () => timeOf('Treasury.spend'),
      run: (context, origin, { pot, beneficiary, amount }) => {
        if (origin.kind !== 'root') return BAD_ORIGIN;
        if (beneficiary.type !== 'Id') return CANNOT_LOOKUP;
        if (amount === 0n) return errors.of('NothingToSpend');
        const to = beneficiary.value;
        const transfer = { from: POT_ACCOUNTS[pot], to, amount, keepAlive: false };
        const refusal = checkTransfer(context, transfer);
        if (refusal) return refusal;
        makeTransfer(context, transfer);
        const before = spent.get(context.state, pot);
        spent.put(context.state, pot, { times: before.times + 1, amount: before.amount + amount });
        events.deposit(context, 'Spent', { pot, beneficiary: to, amount });
        return undefined;
      },
    }),
  },
  events: events.type as ScaleType<unknown>,
  errors: errors.type,
};
