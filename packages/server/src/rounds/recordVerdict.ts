/** @file Writes decisions about submissions and counts them for their miners, in the caller's transaction. */
import type { Queryable } from '../database/Database.js';
import { countDecisions } from '../state/members.js';
import { decideSubmissions, type SubmissionRow, type Verdict } from '../state/submissions.js';

export interface Decision {
  readonly row: SubmissionRow;
  readonly verdict: Verdict;
}

/** Two statements, however many there are. What is decided already is never changed here. */
export async function recordVerdicts(tx: Queryable, decisions: readonly Decision[]): Promise<void> {
  const open = decisions.filter(({ row }) => row.status === 'queued');
  if (open.length === 0) return;
  const written = open.map(({ row, verdict }) => ({ submissionId: row.submission_id, verdict }));
  await countDecisions(tx, await decideSubmissions(tx, written));
}

export function recordVerdict(tx: Queryable, row: SubmissionRow, verdict: Verdict): Promise<void> {
  return recordVerdicts(tx, [{ row, verdict }]);
}
