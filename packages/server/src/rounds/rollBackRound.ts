/**
 * @file Undoes a round that would have made the model worse (AGG-3): its submissions are refused, so that miners take
 * back what they sent, the version stays, and the next round opens. What it measured about each submission is kept.
 */
import type { ServerContext } from '../context.js';
import type { Queryable } from '../database/Database.js';
import { openRound, type RoundRow, setRoundStatus } from '../state/rounds.js';
import { foldOf, type SubmissionRow } from '../state/submissions.js';

export async function rollBackRound(context: ServerContext, round: RoundRow, reason: string): Promise<void> {
  const nowMs = context.now();
  await context.db.transaction(async (tx) => {
    const folded = await foldOf(tx, round.round);
    await refuseFolded(tx, folded, {
      code: 'ROUND_ROLLED_BACK',
      reason: 'The round was rolled back: the merged update raised the held-out loss.',
    });
    await setRoundStatus(tx, round.round, { status: 'rolledBack', closedMs: nowMs, reason });
    await openRound(tx, { round: round.round + 1, version: round.version, nowMs });
  });
  context.log.warn('Round rolled back', { round: round.round, version: round.version, reason });
  context.waiting.tasks.wake();
  context.changed();
}

/** Turns accepted submissions of a fold into refused ones; their gains stay as measured, their score stays 0. */
export async function refuseFolded(
  tx: Queryable,
  folded: readonly SubmissionRow[],
  { code, reason }: { code: string; reason: string },
): Promise<void> {
  for (const row of folded) {
    if (row.status !== 'accepted') continue;
    await tx.query(
      `UPDATE submissions SET status = 'refused', code = $2, reason = $3 WHERE submission_id = $1`,
      [row.submission_id, code, reason],
    );
    await tx.query(
      `UPDATE members SET accepted = accepted - 1, refused = refused + 1
       WHERE address = $1 AND instance = $2 AND role = 'miner'`,
      [row.address, row.instance],
    );
  }
}
