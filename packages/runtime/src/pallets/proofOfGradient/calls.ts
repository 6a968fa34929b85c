/**
 * @file `submit_epoch`: the parameter server reports an epoch, and the chain mints and pays (EPOCH-1). Safe to send
 * again after a crash: a settled epoch is refused without effect. Never trusts the report for amounts or time.
 */
import { compareBytes, equalBytes } from '@alice/protocol';
import { vec } from '../../scale/collections.js';
import { u32, u64 } from '../../scale/primitives.js';
import type { FieldValues } from '../../scale/records.js';
import { h256 } from '../../scale/substrateTypes.js';
import type { StateAccess } from '../../storage/Overlay.js';
import { timeOf } from '../../weights/timeOf.js';
import { BAD_ORIGIN, call, type DispatchError, type PalletContext } from '../Pallet.js';
import { now } from '../timestamp/index.js';
import { gradientErrors, gradientEvents } from './events.js';
import { checkRoom, countPayouts } from './history.js';
import { MAX_SCORE, MAX_SCORES } from './limits.js';
import { recordContribution } from './recordContribution.js';
import { payEntries, payRoleAccounts, rewardFor, withoutRoleShares } from './reward.js';
import { divide, earnedParts, hasTrainingScore, totalsOf } from './settlement.js';
import {
  currentEpoch,
  epochs,
  lastSettledAt,
  openEpochValue,
  parameterServer,
  payouts,
  roleShares,
} from './storage.js';
import { ROLES, type ScoreEntry, scoreEntry } from './types.js';

/** What a report says about an epoch besides its scores. */
export const factFields = {
  epoch: u32,
  from_version: u32,
  to_version: u32,
  state_root: h256,
  held_out_loss: u64,
  shards_covered: u32,
  receipts_root: h256,
};
const reportFields = { ...factFields, scores: vec(scoreEntry) };
type Report = FieldValues<typeof reportFields>;

export const gradientCalls = {
  submit_epoch: call({
    index: 0,
    docs: [
      'Origin: the parameter server. Details: settles the current epoch: mints what the schedule allows for the time',
      'since the last settlement and pays it by score. Without a positive training score nothing is minted and the',
      'time is left for the next epoch. The fee is given back on success. Events: EpochSettled, Rewarded.',
    ],
    fields: reportFields,
    class: 'Operational',
    refTime: ({ scores }) => timeOf('ProofOfGradient.submit_epoch', scores.length),
    freeOnSuccess: true,
    run: (context, origin, report) => {
      if (origin.kind !== 'signed') return BAD_ORIGIN;
      const refusal = checkReport(context.state, origin.signer, report);
      if (!refusal) settleEpoch(context, report);
      return refusal;
    },
  }),
};

function checkReport(state: StateAccess, signer: Uint8Array, report: Report): DispatchError | undefined {
  return checkFacts(state, signer, report) ?? checkScores(report.scores);
}

/** Whether the signer may report this epoch now. */
export function checkFacts(
  state: StateAccess,
  signer: Uint8Array,
  report: FieldValues<typeof factFields>,
): DispatchError | undefined {
  if (!equalBytes(signer, parameterServer.get(state))) return gradientErrors.of('NotParameterServer');
  const expected = currentEpoch.get(state);
  if (openEpochValue.get(state)?.index === report.epoch) return gradientErrors.of('EpochOpen');
  if (report.epoch < expected) return gradientErrors.of('EpochAlreadySettled');
  if (report.epoch > expected) return gradientErrors.of('EpochOutOfOrder');
  if (report.from_version > report.to_version) return gradientErrors.of('VersionRangeInvalid');
  return checkRoom(state);
}

/** Whether entries are ascending, distinct and in range. */
export function checkScores(scores: readonly ScoreEntry[]): DispatchError | undefined {
  if (scores.length > MAX_SCORES) return gradientErrors.of('TooManyScores');
  for (let i = 0; i < scores.length; i++) {
    if (scores[i]!.score > MAX_SCORE) return gradientErrors.of('ScoreTooLarge');
    if (i === 0) continue;
    const order = compareEntries(scores[i - 1]!, scores[i]!);
    if (order === 0) return gradientErrors.of('DuplicateScore');
    if (order > 0) return gradientErrors.of('ScoresNotAscending');
  }
  return undefined;
}

/** By role, then by account bytes. */
export function compareEntries(a: ScoreEntry, b: ScoreEntry): number {
  return ROLES.indexOf(a.role) - ROLES.indexOf(b.role) || compareBytes(a.account, b.account);
}

function settleEpoch(context: PalletContext, { scores, ...report }: Report): void {
  const { state } = context;
  const { epoch, ...facts } = report;
  const startedAt = lastSettledAt.get(state);
  const endedAt = now.get(state);
  const earned = earnedParts(rewardFor(state, startedAt, endedAt), roleShares.get(state), totalsOf(scores));
  const { left, payments } = withoutRoleShares(state, earned);
  const paid = divide(left, scores);
  const rewarded = paid.filter(({ amount }) => amount > 0n);
  const minted = [...rewarded, ...payments].reduce((sum, { amount }) => sum + amount, 0n);

  payRoleAccounts(context, epoch, payments);
  payEntries(context, epoch, rewarded);
  epochs.put(state, epoch, { index: epoch, started_at: startedAt, ended_at: endedAt, ...facts, minted });
  payouts.put(state, epoch, paid);
  countPayouts(state, paid.length);
  for (const payout of paid) recordContribution(state, epoch, payout);
  currentEpoch.put(state, epoch + 1);
  // CHAIN-1: an epoch without training leaves the clock where it was, so its emission goes to the next one.
  if (hasTrainingScore(scores)) lastSettledAt.put(state, endedAt);
  gradientEvents.deposit(context, 'EpochSettled', { epoch, minted, payouts: rewarded.length });
}
