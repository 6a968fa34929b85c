/**
 * @file Chooses the validators of a session, as a pure function: the candidates with the largest active bonds, ties to
 * the smaller account id, one unit of voting power per ALICE. Reads nothing but its arguments.
 */
import { compareBytes, PLANCK_PER_ALICE, toHex } from '@alice/protocol';
import type { AccountId } from '../../scale/substrateTypes.js';
import type { ActiveValidator } from './types.js';

/** A candidate that may validate. */
export interface Contender {
  readonly account: AccountId;
  readonly key: Uint8Array;
  /** Active bond in planck. */
  readonly stake: bigint;
}

/** At most `seats` validators, ascending by account, so that equal sets are equal lists. Cost: n log n. */
export function selectValidators(contenders: readonly Contender[], seats: number): ActiveValidator[] {
  const ranked = [...contenders].sort((a, b) =>
    a.stake === b.stake ? compareBytes(a.account, b.account) : a.stake > b.stake ? -1 : 1,
  );
  return ranked
    .slice(0, seats)
    .map(({ account, key, stake }) => ({ account, key, power: powerOf(stake) }))
    .sort((a, b) => compareBytes(a.account, b.account));
}

/** Voting power of a bond: whole ALICE, at least 1. The whole supply is far below CometBFT's limit of 2^60. */
export function powerOf(stakePlanck: bigint): bigint {
  const power = stakePlanck / PLANCK_PER_ALICE;
  return power > 0n ? power : 1n;
}

/** What leads from one set to the other: removals have power 0; ascending by key. */
export function updatesBetween(
  before: readonly ActiveValidator[],
  after: readonly ActiveValidator[],
): { key: Uint8Array; power: bigint }[] {
  const old = new Map(before.map(({ key, power }) => [toHex(key), power]));
  const kept = new Set(after.map(({ key }) => toHex(key)));
  const removed = before.filter(({ key }) => !kept.has(toHex(key))).map(({ key }) => ({ key, power: 0n }));
  const changed = after.filter(({ key, power }) => old.get(toHex(key)) !== power);
  return [...removed, ...changed.map(({ key, power }) => ({ key, power }))].sort((a, b) =>
    compareBytes(a.key, b.key),
  );
}
