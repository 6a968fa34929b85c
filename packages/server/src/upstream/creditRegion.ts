/**
 * @file Pays a merged contribution to the miners it was made of. Together they get what one miner would for the gain that was
 * measured here, times their number; how they share it is the region's judgement. Each becomes a merged submission of
 * its own, so epochs, receipts and payouts know nothing of regions. In the transaction that publishes the version.
 */
import type { RegionClaim } from '@alice/protocol';
import type { Queryable } from '../database/Database.js';
import type { SubmissionRow } from '../state/submissions.js';
import { membersOf } from './judgeContributions.js';
import { storedIds } from './receiveAudit.js';
import { findContribution } from './regionReceipts.js';

export interface Credit {
  readonly claim: RegionClaim;
  readonly nanoNats: bigint;
}

/** Formula: each of n claims gets ⌊n · score · sᵢ / Σs⌋, sᵢ as the region states it. */
export function sharesOf(claims: readonly RegionClaim[], score: bigint): Credit[] {
  const all = claims.reduce((sum, claim) => sum + BigInt(claim.score), 0n);
  const total = score * BigInt(claims.length);
  return claims.map((claim) => ({
    claim,
    nanoNats: all === 0n ? 0n : (total * BigInt(claim.score)) / all,
  }));
}

/** True when the row is a region's contribution: then its score has gone to the region's miners. */
export async function creditRegion(tx: Queryable, row: SubmissionRow, score: bigint): Promise<boolean> {
  if (!(await findContribution(tx, row.task_id))) return false;
  for (const { claim, nanoNats } of sharesOf(await membersOf(tx, row), score)) {
    const ids = storedIds(row.task_id, claim.submissionId);
    await tx.query(
      `INSERT INTO submissions (submission_id, task_id, address, instance, reward_address, round, version, shards,
         blob_hash, size_bytes, content_hash, steps, tokens, received_ms, stage, status, reason, gain_nats, error_nats,
         verified_tokens, score, folded_round, blob_kept)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $9, $11, $12, $13, 'merged', 'accepted', $14, $15, $16, $17, $18,
         $19, FALSE)`,
      [
        ...[ids.submissionId, ids.taskId, claim.address, claim.instance, claim.rewardAddress],
        ...[row.round, row.version, row.shards, claim.blob.hash, claim.blob.sizeBytes],
        ...[
          claim.steps,
          claim.tokens,
          row.received_ms,
          `Merged with the contribution of the region ${row.address}.`,
        ],
        ...[row.gain_nats, row.error_nats, claim.verifiedTokens, nanoNats.toString(), row.folded_round],
      ],
    );
  }
  return true;
}
