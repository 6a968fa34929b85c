/**
 * @file How a region's round ends: what the upstream credits each submission with becomes its score here, and what it refused is
 * refused here, so that the miners take the work back. One transaction.
 */
import type { Credits } from '@alice/protocol';
import type { ServerContext } from '../context.js';
import type { Queryable } from '../database/Database.js';
import { refuseFolded } from '../rounds/rollBackRound.js';
import { setRoundStatus } from '../state/rounds.js';
import type { SubmissionRow } from '../state/submissions.js';
import { acceptedIn } from './closeRegionRound.js';
import { moveRegionRound, type RegionRound } from './regionRounds.js';
import type { UpstreamLink } from './UpstreamLink.js';

/** Returns whether the upstream has decided. */
export async function takeCredits(
  context: ServerContext,
  { client }: UpstreamLink,
  { round, ticket }: RegionRound,
): Promise<boolean> {
  const answer = await client.call('regionCredits', { params: { taskId: ticket.taskId } });
  if (answer.status === 'queued') return false;
  const credits = new Map(answer.credits.map((credit) => [credit.submissionId, credit]));
  await context.db.transaction(async (tx) => {
    for (const row of await acceptedIn(tx, round)) await settle(tx, row, credits.get(row.submission_id));
    await end(context, tx, { round, isMerged: answer.status === 'accepted', reason: answer.reason });
  });
  const { status, code } = answer;
  context.log.info('Upstream has judged the contribution', { round, status, code });
  return true;
}

/** The upstream will have nothing of it: everything goes back. */
export async function giveUp(context: ServerContext, round: number, code: string): Promise<void> {
  const { serverKey } = context.options;
  const advice =
    code === 'ROLE_FORBIDDEN' // the upstream's word for whoever is no region
      ? ` (its operator does not list it: --region ${serverKey.address})`
      : '';
  const reason = `the upstream refused the contribution of the region: ${code}${advice}.`;
  await context.db.transaction(async (tx) => {
    await refuseFolded(tx, await acceptedIn(tx, round), { code: 'UPSTREAM_REFUSED', reason });
    await end(context, tx, { round, isMerged: false, reason });
  });
  context.log.warn('Contribution given up', { round, code, reason });
}

async function settle(
  tx: Queryable,
  row: SubmissionRow,
  credit: Credits['credits'][number] | undefined,
): Promise<void> {
  if (credit?.status !== 'accepted') {
    const code = credit?.code ?? 'UPSTREAM_REFUSED';
    return refuseFolded(tx, [row], { code, reason: `The upstream refused it: ${code}.` });
  }
  await tx.query(`UPDATE submissions SET stage = 'merged', score = $2 WHERE submission_id = $1`, [
    row.submission_id,
    credit.score,
  ]);
  await tx.query(
    `UPDATE members SET score = score + $3 WHERE address = $1 AND instance = $2 AND role = 'miner'`,
    [row.address, row.instance, credit.score],
  );
}

async function end(
  { now }: ServerContext,
  tx: Queryable,
  { round, isMerged, reason }: { round: number; isMerged: boolean; reason: string },
): Promise<void> {
  await moveRegionRound(tx, round, { stage: isMerged ? 'merged' : 'refused' });
  await setRoundStatus(tx, round, { status: isMerged ? 'applied' : 'refused', closedMs: now(), reason });
}
