/**
 * @file The end of a region's round: nothing more is taken, the work tests decide as at any server, and a receipt is signed for
 * each submission that is left. One transaction; what is not decided by then goes back to its miner.
 */
import { type RegionClaim, type RegionReceipt, regionClaimMessage, toHex } from '@alice/protocol';
import type { ServerContext } from '../context.js';
import type { Queryable } from '../database/Database.js';
import { judgeWork } from '../rounds/judgeWork.js';
import { roundScores } from '../rounds/publishVersion.js';
import { recordVerdicts } from '../rounds/recordVerdict.js';
import { refuseFolded } from '../rounds/rollBackRound.js';
import { setRoundStatus } from '../state/rounds.js';
import { fixFold, foldOf, type SubmissionRow } from '../state/submissions.js';
import { findConsent } from './consents.js';
import { insertReceipt } from './regionReceipts.js';
import { moveRegionRound, type RegionRound } from './regionRounds.js';

export async function closeRegionRound(
  context: ServerContext,
  { round, ticket }: RegionRound,
): Promise<void> {
  const kept = await context.db.transaction(async (tx) => {
    await tx.query(`UPDATE tasks SET status = 'expired' WHERE round = $1 AND status = 'open'`, [round]);
    await refuseUndecided(tx);
    await fixFold(tx, round);
    await judgeWork(context, tx, { round, folded: await foldOf(tx, round) });
    const rows = await acceptedIn(tx, round);
    const scores = await roundScores(context, tx, rows);
    for (const [i, row] of rows.entries())
      await insertReceipt(tx, ticket.taskId, await receiptFor(context, tx, row, scores[i]!.nanoNats));
    await setRoundStatus(tx, round, { status: 'folding' });
    await moveRegionRound(tx, round, { stage: 'fixed' });
    return rows.length;
  });
  context.log.info('Round of the region closed', { round, submissions: kept });
}

export async function acceptedIn(tx: Queryable, round: number): Promise<SubmissionRow[]> {
  return (await foldOf(tx, round)).filter(({ status }) => status === 'accepted');
}

const ROUND_OVER = { code: 'ROUND_OVER', reason: 'The round was over before it was scored.' };

export async function refuseUndecided(tx: Queryable): Promise<void> {
  const rows = await tx.query<SubmissionRow>(`SELECT * FROM submissions WHERE status = 'queued'`);
  await recordVerdicts(
    tx,
    rows.map((row) => ({ row, verdict: { status: 'refused', ...ROUND_OVER } })),
  );
}

/** What came in while the round was being closed, so that none of it is taken for work of the next. */
export async function refuseLate(tx: Queryable): Promise<void> {
  await refuseUndecided(tx);
  const rows = await tx.query<SubmissionRow>(
    `SELECT * FROM submissions WHERE stage = 'decided' AND status = 'accepted' AND folded_round IS NULL`,
  );
  await refuseFolded(tx, rows, ROUND_OVER);
}

async function receiptFor(
  { networkId, options }: ServerContext,
  tx: Queryable,
  row: SubmissionRow,
  score: bigint,
): Promise<RegionReceipt> {
  const consent = await findConsent(tx, row);
  if (!consent) throw new Error(`cannot happen: ${row.address} has a submission and has never registered`);
  const claim: RegionClaim = {
    format: 'alice-region-claim-1',
    networkId,
    regionId: options.serverKey.address,
    submissionId: row.submission_id,
    ...{ address: row.address, instance: row.instance, rewardAddress: consent.reward_address },
    ...{ round: row.round, baseVersion: row.version },
    blob: { hash: row.blob_hash, sizeBytes: row.size_bytes },
    ...{ steps: row.steps, tokens: row.tokens, verifiedTokens: row.verified_tokens ?? row.tokens },
    ...{ gainNats: row.gain_nats ?? 0, score: score.toString() },
  };
  const { challenge, signature } = consent;
  return {
    claim,
    signature: toHex(options.serverKey.sign(regionClaimMessage(claim))),
    consent: { challenge, signature },
  };
}
