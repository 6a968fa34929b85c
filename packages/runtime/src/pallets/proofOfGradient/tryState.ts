/** @file Invariants of the ProofOfGradient pallet, checked over a whole state (CHAIN-5). */
import { toHex } from '@alice/protocol';
import type { FullState } from '../Pallet.js';
import { now } from '../timestamp/index.js';
import { emittedBy } from './emission.js';
import {
  contributions,
  currentEpoch,
  epochs,
  genesisTime,
  lastSettledAt,
  payouts,
  roleShares,
} from './storage.js';
import { SHARE_DENOMINATOR } from './types.js';

/** Epochs are complete, pay what they minted, and never more than the schedule; contributions add up. */
export function tryProofOfGradient(state: FullState): string[] {
  const problems: string[] = [];
  const paidTo = new Map<string, bigint>();
  const settled = currentEpoch.get(state);
  let minted = 0n;
  for (let index = 0; index < settled; index++) {
    const { problem, minted: mintedNow } = tryEpoch(state, index, paidTo);
    if (problem) problems.push(problem);
    minted += mintedNow;
  }
  if (state.keysOf(epochs).length !== settled)
    problems.push(`${state.keysOf(epochs).length} epochs are stored, ${settled} settled`);
  const allowed = emittedBy(genesisTime.get(state), lastSettledAt.get(state));
  if (minted > allowed) problems.push(`${minted} planck are minted, the schedule allows ${allowed}`);
  if (lastSettledAt.get(state) > now.get(state)) problems.push('emission is settled into the future');
  const { training, scoring, infrastructure } = roleShares.get(state);
  if (training + scoring + infrastructure !== SHARE_DENOMINATOR)
    problems.push('role shares do not sum to the whole');
  return [...problems, ...tryContributions(state, paidTo)];
}

function tryEpoch(
  state: FullState,
  index: number,
  paidTo: Map<string, bigint>,
): { problem?: string; minted: bigint } {
  const info = epochs.get(state, index);
  const list = payouts.get(state, index);
  if (!info || !list || info.index !== index) return { problem: `epoch ${index} is incomplete`, minted: 0n };
  let sum = 0n;
  for (const { account, amount } of list) {
    sum += amount;
    paidTo.set(toHex(account), (paidTo.get(toHex(account)) ?? 0n) + amount);
  }
  if (sum === info.minted) return { minted: info.minted };
  return { problem: `epoch ${index} minted ${info.minted} planck but paid ${sum}`, minted: info.minted };
}

function tryContributions(state: FullState, paidTo: ReadonlyMap<string, bigint>): string[] {
  const problems: string[] = [];
  for (const key of state.keysOf(contributions)) {
    const who = contributions.keyFrom(key);
    const {
      total_paid: total,
      first_epoch: first,
      last_epoch: last,
      epochs: count,
    } = contributions.get(state, who)!;
    if (total !== (paidTo.get(toHex(who)) ?? 0n))
      problems.push(`${toHex(who)}: total_paid is not the sum of payouts`);
    if (count < 1 || first > last || count > last - first + 1)
      problems.push(`${toHex(who)}: impossible epoch counts`);
  }
  return problems;
}
