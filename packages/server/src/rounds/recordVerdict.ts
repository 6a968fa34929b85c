/** @file Writes one decision about a submission and counts it for its miner, in the caller's transaction. */
import type { Queryable } from '../database/Database.js';
import { countDecision } from '../state/members.js';
import { decideSubmission, type SubmissionRow, type Verdict } from '../state/submissions.js';

export async function recordVerdict(tx: Queryable, row: SubmissionRow, verdict: Verdict): Promise<void> {
  if (row.status !== 'queued') return; // decided already: a decision is never changed here
  if (await decideSubmission(tx, row.submission_id, verdict)) await countDecision(tx, row, verdict.status);
}
