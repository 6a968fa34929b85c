/**
 * @file What must hold between a region and its upstream after any number of kills of either: what the region acknowledged it
 * judged once, each contribution reached the upstream once, and each miner was paid once on the chain, exactly what the
 * region told it.
 */
import assert from 'node:assert/strict';
import type { Queryable } from '../../database/Database.js';
import type { SubmissionRow } from '../../state/submissions.js';
import { storedIds } from '../../upstream/receiveAudit.js';
import type { FakeChain } from '../FakeChain.js';
import { checkAcknowledged, checkJudgedOnce } from './checkOutcome.js';

export interface RegionOutcome {
  readonly upstream: Queryable;
  readonly region: Queryable;
  /** By the region. */
  readonly acknowledged: ReadonlySet<string>;
  readonly chain: FakeChain;
  readonly regionAddress: string;
}

export interface RegionSummary {
  readonly acknowledged: number;
  readonly accepted: number;
  readonly refused: Readonly<Record<string, number>>;
  /** Rounds of the region by how they ended. */
  readonly rounds: Readonly<Record<string, number>>;
  readonly contributions: number;
}

const allOf = (db: Queryable): Promise<SubmissionRow[]> =>
  db.query<SubmissionRow>('SELECT * FROM submissions ORDER BY sequence');

export async function checkRegion(outcome: RegionOutcome): Promise<RegionSummary> {
  const { upstream, region, acknowledged, regionAddress } = outcome;
  const [above, below] = [await allOf(upstream), await allOf(region)];
  checkAcknowledged(acknowledged, below);
  // What the end of a round cut off has looks that nobody counts any more.
  await checkJudgedOnce(
    region,
    below.filter(({ code }) => code !== 'ROUND_OVER'),
  );
  const rounds = await region.query<{ round: number; stage: string; task: string }>(
    `SELECT round, stage, ticket ->> 'taskId' AS task FROM region_rounds ORDER BY round`,
  );
  const contributions = above.filter(({ address }) => address === regionAddress);
  const tickets = new Set(rounds.map(({ task }) => task));
  for (const { task_id: task } of contributions)
    assert.ok(tickets.has(task), `the upstream has a contribution to ${task}, which the region never sent`);
  assert.equal(new Set(contributions.map(({ task_id }) => task_id)).size, contributions.length);
  checkCredited(above, below, new Map(rounds.map(({ round, task }) => [round, task])));
  await checkPaidOnce(outcome, below);
  return {
    acknowledged: acknowledged.size,
    accepted: below.filter(({ status }) => status === 'accepted').length,
    refused: countBy(below.filter(({ status }) => status === 'refused').map(({ code }) => code ?? '')),
    rounds: countBy(rounds.map(({ stage }) => stage)),
    contributions: contributions.length,
  };
}

/** A miner's submission is one row at the region and one at the upstream, with the same score. */
function checkCredited(
  above: readonly SubmissionRow[],
  below: readonly SubmissionRow[],
  ticketOf: ReadonlyMap<number, string>,
): void {
  const scoreOf = new Map(above.map((row) => [row.submission_id, row.score]));
  const accepted = below.filter(({ status }) => status === 'accepted');
  const expected = accepted.map((row) => [
    storedIds(ticketOf.get(row.folded_round ?? row.round)!, row.submission_id).submissionId,
    row.score,
  ]);
  assert.deepEqual(
    expected.map(([id]) => [id, scoreOf.get(id!)]),
    expected,
    'what the region told its miners is what the upstream has credited',
  );
  const devices = new Set(below.map(({ address, instance }) => `${address}/${instance}`));
  const credited = above.filter(
    ({ address, instance, status }) => status === 'accepted' && devices.has(`${address}/${instance}`),
  );
  assert.deepEqual(
    credited.map(({ submission_id }) => submission_id).sort(),
    expected.map(([id]) => id).sort(),
    'nothing was credited that the region does not count',
  );
}

async function checkPaidOnce({ chain }: RegionOutcome, below: readonly SubmissionRow[]): Promise<void> {
  const earned = new Map<string, bigint>();
  for (const { reward_address: address, status, score } of below)
    if (status === 'accepted') earned.set(address, (earned.get(address) ?? 0n) + BigInt(score));
  const paid = new Map<string, bigint>();
  const { currentEpoch } = await chain.status();
  for (let epoch = 0; epoch < currentEpoch; epoch++)
    for (const { address, role, scoreNanoNats } of await chain.payouts(epoch))
      if (role === 'training') paid.set(address, (paid.get(address) ?? 0n) + scoreNanoNats);
  for (const [address, score] of earned)
    assert.equal(paid.get(address) ?? 0n, score, `what the chain has paid ${address} for`);
}

function countBy(words: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}
