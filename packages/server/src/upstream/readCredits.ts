/** @file What a region is told about its contribution: nothing final before everything of it is. Reads only. */
import type { Credits } from '@alice/protocol';
import type { ServerContext } from '../context.js';
import { findSubmission, type SubmissionRow, submissionOfTask } from '../state/submissions.js';
import { type RegionCall, regionTask } from './holdReceipts.js';
import { storedIds } from './receiveAudit.js';
import { type Contribution, findContribution, receiptsOf } from './regionReceipts.js';

/** Throws `ROLE_FORBIDDEN`, `TASK_UNKNOWN`. */
export async function readCredits(context: ServerContext, call: RegionCall): Promise<Credits> {
  const { db } = context;
  const task = await regionTask(context, call);
  const contribution = await findContribution(db, call.taskId);
  const whole = await submissionOfTask(db, call.taskId);
  const audited = await Promise.all(
    (contribution?.audits ?? []).map((id) => findSubmission(db, storedIds(call.taskId, id).submissionId)),
  );
  const expired = task.status === 'expired' ? LATE : undefined;
  const isWaiting = [whole, ...audited].some((row) => row && !isFinal(row)) || (!contribution && !expired);
  const missing = contribution && contribution.receipts > contribution.audits.length && !whole;
  if (isWaiting || (missing && !expired)) return { ...WAITING, credits: [] };
  const fallback = missing || !contribution ? LATE : outcomeOf(contribution, whole);
  const credits = await Promise.all(
    (await receiptsOf(db, call.taskId)).map(async ({ claim: { submissionId } }) => {
      const row = await findSubmission(db, storedIds(call.taskId, submissionId).submissionId);
      const { status, code } = row ?? fallback;
      return { submissionId, status, code, score: row?.score ?? '0' };
    }),
  );
  return { ...fallback, credits };
}

type Outcome = Pick<Credits, 'status' | 'code' | 'reason'>;
const WAITING: Outcome = { status: 'queued', code: null, reason: 'It is being judged.' };
const TAKEN: Outcome = { status: 'accepted', code: null, reason: 'Merged.' };
const NOTHING: Outcome = {
  status: 'refused',
  code: 'NOTHING_SENT',
  reason: 'No work of the region was good.',
};
const LATE: Outcome = { status: 'refused', code: 'TASK_EXPIRED', reason: 'It did not come in time.' };

/** Accepted work may still be rolled back with its round. */
function isFinal({ status, stage }: SubmissionRow): boolean {
  return status === 'refused' || stage === 'merged';
}

function outcomeOf({ receipts }: Contribution, whole: SubmissionRow | undefined): Outcome {
  if (receipts === 0) return NOTHING;
  return whole?.status === 'refused' ? { status: 'refused', code: whole.code, reason: whole.reason } : TAKEN;
}
