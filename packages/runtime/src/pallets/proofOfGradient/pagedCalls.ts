/** @file The calls of an epoch reported in pages (`paging.ts`), and what root and accounts decide about rewards. */
import { option, vec } from '../../scale/collections.js';
import { u32 } from '../../scale/primitives.js';
import { type AccountId, accountId } from '../../scale/substrateTypes.js';
import { timeOf } from '../../weights/timeOf.js';
import { BAD_ORIGIN, call, type DispatchError, type Origin, type PalletContext } from '../Pallet.js';
import { factFields } from './calls.js';
import { gradientErrors, gradientEvents } from './events.js';
import { abortEpoch, beginEpoch, finishEpoch, PAYING_REF_TIME, receivePage } from './paging.js';
import { clearRewardAddress, setRewardAddress } from './rewardAddress.js';
import { parameterServer, roleAccounts, roleShares } from './storage.js';
import { roleAccount, roleSharesType, roleType, SHARE_DENOMINATOR, scoreEntry } from './types.js';

/** The most of a role's part that a role account may get, in ten-thousandths. */
const MAX_ROLE_ACCOUNT_SHARE = 2_000;

const signed =
  <A>(run: (context: PalletContext, who: AccountId, args: A) => DispatchError | undefined) =>
  (context: PalletContext, origin: Origin, args: A): DispatchError | undefined =>
    origin.kind === 'signed' ? run(context, origin.signer, args) : BAD_ORIGIN;

const root =
  <A>(run: (context: PalletContext, args: A) => DispatchError | undefined) =>
  (context: PalletContext, origin: Origin, args: A): DispatchError | undefined =>
    origin.kind === 'root' ? run(context, args) : BAD_ORIGIN;

export const pagedCalls = {
  begin_epoch: call({
    index: 1,
    docs: [
      'Origin: the parameter server. Details: begins the report of the current epoch in pages of scores; `entries` of',
      'them will follow. The fee is given back on success. Events: EpochOpened.',
    ],
    fields: { ...factFields, entries: u32 },
    class: 'Operational',
    refTime: () => timeOf('ProofOfGradient.begin_epoch'),
    freeOnSuccess: true,
    run: signed(beginEpoch),
  }),
  submit_scores: call({
    index: 2,
    docs: [
      'Origin: the parameter server. Details: the next page of scores; entries ascend by role, then account, across',
      'all pages. The fee is given back on success. Events: ScoresReceived.',
    ],
    fields: { epoch: u32, page: u32, scores: vec(scoreEntry) },
    class: 'Operational',
    refTime: ({ scores }) => timeOf('ProofOfGradient.submit_scores', scores.length),
    freeOnSuccess: true,
    run: signed(receivePage),
  }),
  finish_epoch: call({
    index: 3,
    docs: [
      'Origin: the parameter server. Details: all pages are in: fixes what the epoch pays. Blocks pay the pages from',
      'this one on. The fee is given back on success. Events: EpochClosed, RoleShared; then Rewarded, EpochSettled.',
    ],
    fields: { epoch: u32 },
    class: 'Operational',
    // The first pages are paid in the same block.
    refTime: () => timeOf('ProofOfGradient.finish_epoch') + PAYING_REF_TIME,
    freeOnSuccess: true,
    run: signed((context, who, { epoch }) => finishEpoch(context, who, epoch)),
  }),
  abort_epoch: call({
    index: 4,
    docs: [
      'Origin: the parameter server. Details: forgets the pages received, to report again. Events: EpochAborted.',
    ],
    fields: { epoch: u32 },
    class: 'Operational',
    refTime: () => timeOf('ProofOfGradient.abort_epoch'),
    run: signed((context, who, { epoch }) => abortEpoch(context, who, epoch)),
  }),
  set_reward_address: call({
    index: 5,
    docs: [
      'Origin: signed. Details: rewards of the signer go to `target` from now on; holds a deposit. Events:',
      'RewardAddressSet.',
    ],
    fields: { target: accountId },
    class: 'Normal',
    refTime: () => timeOf('ProofOfGradient.set_reward_address'),
    run: signed((context, account, { target }) => setRewardAddress(context, account, target)),
  }),
  clear_reward_address: call({
    index: 6,
    docs: [
      'Origin: signed. Details: rewards of the signer go to the signer again; releases the deposit. Events:',
      'RewardAddressSet.',
    ],
    fields: {},
    class: 'Normal',
    refTime: () => timeOf('ProofOfGradient.clear_reward_address'),
    run: signed((context, account) => clearRewardAddress(context, account)),
  }),
  set_role_shares: call({
    index: 20,
    docs: [
      'Origin: root. Details: how rewards are divided between roles, for epochs settled from now on; the sum is',
      '10,000. How much is minted does not change. Events: RoleSharesSet.',
    ],
    fields: { shares: roleSharesType },
    class: 'Operational',
    refTime: () => timeOf('ProofOfGradient.set_role_shares'),
    run: root((context, { shares }) => {
      if (shares.training + shares.scoring + shares.infrastructure !== SHARE_DENOMINATOR)
        return gradientErrors.of('SharesInvalid');
      roleShares.put(context.state, shares);
      gradientEvents.deposit(context, 'RoleSharesSet', { shares });
      return undefined;
    }),
  }),
  set_role_account: call({
    index: 21,
    docs: [
      'Origin: root. Details: which account gets a share of what a role earns, such as a treasury; none without a',
      'rule. How much is minted does not change. Events: RoleAccountSet.',
    ],
    fields: { role: roleType, rule: option(roleAccount) },
    class: 'Operational',
    refTime: () => timeOf('ProofOfGradient.set_role_account'),
    run: root((context, { role, rule }) => {
      if (rule && (rule.share > MAX_ROLE_ACCOUNT_SHARE || rule.account.every((byte) => byte === 0)))
        return gradientErrors.of('SharesInvalid');
      if (rule) roleAccounts.put(context.state, role, rule);
      else roleAccounts.remove(context.state, role);
      gradientEvents.deposit(context, 'RoleAccountSet', { role, rule });
      return undefined;
    }),
  }),
  set_parameter_server: call({
    index: 22,
    docs: [
      'Origin: root. Details: whose epoch reports are accepted from now on. Events: ParameterServerSet.',
    ],
    fields: { account: accountId },
    class: 'Operational',
    refTime: () => timeOf('ProofOfGradient.set_parameter_server'),
    run: root((context, { account }) => {
      parameterServer.put(context.state, account);
      gradientEvents.deposit(context, 'ParameterServerSet', { account });
      return undefined;
    }),
  }),
};
