/**
 * @file What proven misbehaviour of a validator leads to: it leaves the set at once, is jailed for the unbonding period
 * and slashed. One equivocator alone loses little; the share grows with the square of how many equivocate in the same
 * session: min((3x/n)², 1), as in Polkadot, because only together are they dangerous. Idempotent.
 */
import { equalBytes } from '@alice/protocol';
import type { ValueOf } from '../../scale/ScaleType.js';
import type { AccountId } from '../../scale/substrateTypes.js';
import type { StateAccess } from '../../storage/Overlay.js';
import type { PalletContext } from '../Pallet.js';
import { ownerOf } from '../session/keys.js';
import { removeFromSet } from '../session/rotation.js';
import { activeSet } from '../session/storage.js';
import { now } from '../timestamp/index.js';
import { chill } from './candidacy.js';
import { stakingEvents } from './events.js';
import { PER_BILLION } from './rules.js';
import { raiseSlash, reportSlash } from './slashing.js';
import { knownEvidenceList, ledgers, MAX_KNOWN_EVIDENCE, rules, sessionOffences } from './storage.js';
import type { evidenceType } from './types.js';

type Evidence = ValueOf<typeof evidenceType>;

/** Deals with what consensus has proven, in its order. `proposer` is rewarded as the reporter. */
export function handleEvidence(
  context: PalletContext,
  { evidence, proposer }: { evidence: readonly Evidence[]; proposer: Uint8Array | undefined },
): void {
  const reporter = proposer && ownerOf(context.state, proposer);
  for (const entry of evidence) handleOne(context, entry, reporter);
}

function handleOne(context: PalletContext, evidence: Evidence, reporter: AccountId | undefined): void {
  const { state } = context;
  const offender = ownerOf(state, evidence.offender);
  if (!offender || isKnown(state, evidence)) {
    stakingEvents.deposit(context, 'EvidenceIgnored', { evidence });
    return;
  }
  remember(state, evidence);
  const earlier = sessionOffences.get(state);
  const setSize = activeSet.get(state).length + earlier.length;
  jail(context, offender);
  // The largest offence of a session counts, not their sum.
  if (earlier.some((other) => equalBytes(other.offender, offender))) return;
  const share = equivocationShare(earlier.length + 1, setSize);
  const isOwn = reporter !== undefined && equalBytes(reporter, offender);
  const report = { stash: offender, kind: evidence.kind, share, reporter: isOwn ? undefined : reporter };
  const slash = reportSlash(context, report);
  for (const other of earlier) if (other.slash !== undefined) raiseSlash(context, other.slash, share);
  sessionOffences.put(state, [...earlier, { offender, slash }]);
}

/** min((3x/n)², 1) in billionths, for `offenders` of `setSize` validators. */
export function equivocationShare(offenders: number, setSize: number): number {
  const x = BigInt(offenders);
  const n = BigInt(setSize < 1 ? 1 : setSize);
  const share = (9n * x * x * PER_BILLION) / (n * n);
  return Number(share < PER_BILLION ? share : PER_BILLION);
}

function jail(context: PalletContext, who: AccountId): void {
  const { state } = context;
  const ledger = ledgers.get(state, who);
  const until = now.get(state) + rules.get(state).unbonding_ms;
  if (ledger) ledgers.put(state, who, { ...ledger, jailed_until: until });
  stakingEvents.deposit(context, 'Jailed', { stash: who, until });
  chill(context, who);
  removeFromSet(context, who);
}

function isKnown(state: StateAccess, { kind, offender, height }: Evidence): boolean {
  return knownEvidenceList
    .get(state)
    .some(
      ({ evidence: known }) =>
        known.kind === kind && known.height === height && equalBytes(known.offender, offender),
    );
}

/** Forgets evidence that consensus would not accept any more, and the oldest where there is too much. */
function remember(state: StateAccess, evidence: Evidence): void {
  const time = now.get(state);
  const oldest = time - rules.get(state).unbonding_ms;
  const kept = knownEvidenceList.get(state).filter(({ at }) => at > oldest);
  knownEvidenceList.put(state, [...kept.slice(1 - MAX_KNOWN_EVIDENCE), { evidence, at: time }]);
}
