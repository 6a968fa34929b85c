/** @file The calls of the Staking pallet: bonds, candidacy, the block's own evidence, and what root decides. */
import { option, vec } from '../../scale/collections.js';
import { compactU128, u32 } from '../../scale/primitives.js';
import { accountId } from '../../scale/substrateTypes.js';
import { timeOf } from '../../weights/timeOf.js';
import { BAD_ORIGIN, call, type DispatchError, type Origin, type PalletContext } from '../Pallet.js';
import { consensusAddressType } from '../session/types.js';
import { bond, bondExtra, unbond, withdrawUnbonded } from './bonding.js';
import { chill, isCandidate, validate } from './candidacy.js';
import { stakingErrors, stakingEvents } from './events.js';
import { handleEvidence } from './offences.js';
import { PER_BILLION, rulesAreSound, stakingRulesType } from './rules.js';
import { cancelSlash, reportSlash } from './slashing.js';
import { ledgers, rules } from './storage.js';
import { evidenceType, stakeRole } from './types.js';

/** Evidence that one block deals with; consensus never sends so much. */
const MAX_EVIDENCE = 64;

type Run<A> = (context: PalletContext, who: Uint8Array, args: A) => DispatchError | undefined;

const signed =
  <A>(run: Run<A>) =>
  (context: PalletContext, origin: Origin, args: A): DispatchError | undefined =>
    origin.kind === 'signed' ? run(context, origin.signer, args) : BAD_ORIGIN;

export const stakingCalls = {
  bond: call({
    index: 0,
    docs: ['Origin: signed. Details: holds `value` as a bond for one role. Events: Bonded.'],
    fields: { value: compactU128, role: stakeRole },
    class: 'Normal',
    refTime: () => timeOf('Staking.bond'),
    run: signed((context, who, args) => bond(context, who, args)),
  }),
  bond_extra: call({
    index: 1,
    docs: ['Origin: signed. Details: adds `value` to the bond. Events: Bonded.'],
    fields: { value: compactU128 },
    class: 'Normal',
    refTime: () => timeOf('Staking.bond_extra'),
    run: signed((context, who, { value }) => bondExtra(context, who, value)),
  }),
  unbond: call({
    index: 2,
    docs: [
      'Origin: signed. Details: starts to unbond `value`; it can be withdrawn after the unbonding period, and be',
      'slashed until then. What stays bonded must meet the minimum, or be nothing. Events: Unbonded.',
    ],
    fields: { value: compactU128 },
    class: 'Normal',
    refTime: () => timeOf('Staking.unbond'),
    run: signed((context, who, { value }) => unbond(context, who, value)),
  }),
  withdraw_unbonded: call({
    index: 3,
    docs: ['Origin: signed. Details: gives back what has finished unbonding. Events: Withdrawn.'],
    fields: {},
    class: 'Normal',
    refTime: () => timeOf('Staking.withdraw_unbonded'),
    run: signed((context, who) => withdrawUnbonded(context, who)),
  }),
  validate: call({
    index: 4,
    docs: ['Origin: signed. Details: becomes a candidate for the next session. Events: Validating.'],
    fields: {},
    class: 'Normal',
    refTime: () => timeOf('Staking.validate'),
    run: signed((context, who) => validate(context, who)),
  }),
  chill: call({
    index: 6,
    docs: ['Origin: signed. Details: is no candidate any more from the next session on. Events: Chilled.'],
    fields: {},
    class: 'Normal',
    refTime: () => timeOf('Staking.chill'),
    run: signed((context, who) => {
      if (!isCandidate(context.state, who)) return stakingErrors.of('NotCandidate');
      chill(context, who);
      return undefined;
    }),
  }),
  cancel_deferred_slash: call({
    index: 17,
    docs: ['Origin: root. Details: drops slashes that are not applied yet. Events: SlashCancelled.'],
    fields: { ids: vec(u32) },
    class: 'Operational',
    refTime: ({ ids }) => timeOf('Staking.cancel_deferred_slash', ids.length),
    run: (context, origin, { ids }) => {
      if (origin.kind !== 'root') return BAD_ORIGIN;
      return ids.every((id) => cancelSlash(context, id)) ? undefined : stakingErrors.of('UnknownSlash');
    },
  }),
  slash: call({
    index: 30,
    docs: [
      'Origin: root. Details: reports an offence that was decided outside consensus, such as a false score of a',
      'parameter server; deferred like any other. `share` is in billionths of the bond. Events: SlashReported.',
    ],
    fields: { stash: accountId, share: u32, reporter: option(accountId) },
    class: 'Operational',
    refTime: () => timeOf('Staking.slash'),
    run: (context, origin, { stash, share, reporter }) => {
      if (origin.kind !== 'root') return BAD_ORIGIN;
      if (share === 0 || BigInt(share) > PER_BILLION) return stakingErrors.of('ShareInvalid');
      if (!ledgers.get(context.state, stash)) return stakingErrors.of('NotBonded');
      reportSlash(context, { stash, kind: 'Decided', share, reporter });
      return undefined;
    },
  }),
  set_rules: call({
    index: 31,
    docs: ['Origin: root. Details: sets the rules of staking, within their limits. Events: RulesSet.'],
    fields: { rules: stakingRulesType },
    class: 'Operational',
    refTime: () => timeOf('Staking.set_rules'),
    run: (context, origin, args) => {
      if (origin.kind !== 'root') return BAD_ORIGIN;
      if (!rulesAreSound(args.rules)) return stakingErrors.of('RulesInvalid');
      rules.put(context.state, args.rules);
      stakingEvents.deposit(context, 'RulesSet', args);
      return undefined;
    },
  }),
  report_evidence: call({
    index: 40,
    docs: [
      'Origin: none (the block). Details: misbehaviour that consensus has proven; the offender is removed, jailed and',
      'slashed. Events: Jailed, SlashReported, EvidenceIgnored.',
    ],
    fields: { evidence: vec(evidenceType), proposer: option(consensusAddressType) },
    class: 'Mandatory',
    refTime: ({ evidence }) => timeOf('Staking.report_evidence', evidence.length),
    run: (context, origin, { evidence, proposer }) => {
      if (origin.kind !== 'none') return BAD_ORIGIN;
      handleEvidence(context, { evidence: evidence.slice(0, MAX_EVIDENCE), proposer });
      return undefined;
    },
  }),
};
