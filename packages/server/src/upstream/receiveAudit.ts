/**
 * @file A submission of a region's miner, sent up whole because the commitment asked for it. It becomes an ordinary
 * submission of that miner on that miner's own task (TASK-1: which rows, is a pure function that the upstream computes
 * itself), and is scored, probed, merged and paid as such. Its bytes must be those that the receipt names.
 */
import {
  type AnySubmissionFrame,
  decodeAnySubmissionHeader,
  type RegionClaim,
  type Submission,
  utf8,
} from '@alice/protocol';
import { contentHash } from '../blobs/BlobStore.js';
import type { ServerContext } from '../context.js';
import type { Queryable } from '../database/Database.js';
import { ServerError } from '../errors.js';
import { findSubmission, insertSubmission, submissionMessage } from '../state/submissions.js';
import { closeTask, type TaskRow } from '../state/tasks.js';
import { checkFormat, checkSize, checkTime } from '../submissions/receiveSubmission.js';
import { assignmentOf } from '../tasks/issueTask.js';
import type { UploadBody } from '../uploads/UploadBody.js';
import { type RegionCall, regionTask } from './holdReceipts.js';
import { findContribution, receiptsOf } from './regionReceipts.js';

interface Audit extends RegionCall {
  readonly submissionId: string;
  readonly body: UploadBody;
}

/** Throws `AUDIT_UNKNOWN`, `AUDIT_WRONG`, `STATE_ROOT_WRONG`, `TASK_EXPIRED`, `STALE_VERSION` and codes of the wire. */
export async function receiveAudit(context: ServerContext, audit: Audit): Promise<Submission> {
  const { db } = context;
  const ticket = await regionTask(context, audit);
  const claim = await claimOf(db, audit);
  const stored = storedIds(audit.taskId, audit.submissionId);
  const earlier = await findSubmission(db, stored.submissionId);
  if (earlier) return submissionMessage(earlier);
  await checkTime(context, ticket);
  const { body } = audit;
  const frame = decodeAnySubmissionHeader(await body.head());
  checkHeader(frame, { claim, ticket });
  await checkSize(context, frame, body);
  const checked = await body.receive();
  if (checked.hash !== claim.blob.hash) throw wrong(claim, 'hash');
  await body.keep();
  await db.transaction(async (tx) => {
    const shards = await insertAuditedTask(context, tx, { ticket, claim, taskId: stored.taskId });
    await insertSubmission(tx, {
      ...{ submission_id: stored.submissionId, task_id: stored.taskId },
      ...{ address: claim.address, instance: claim.instance, reward_address: claim.rewardAddress },
      ...{ round: ticket.round, version: ticket.version, shards },
      ...{ blob_hash: checked.hash, size_bytes: checked.sizeBytes },
      ...{ content_hash: checked.contentHash, norm_l2: checked.normL2 },
      ...{ steps: claim.steps, tokens: claim.tokens, received_ms: context.now() },
    });
    await closeIfAllIsHere(tx, ticket.task_id);
  });
  context.nudge();
  context.changed();
  return submissionMessage((await findSubmission(db, stored.submissionId))!);
}

/** Names under which the upstream keeps what a region calls by its own. */
export function storedIds(taskId: string, submissionId: string): { submissionId: string; taskId: string } {
  const hash = contentHash(utf8.encode(`alice/region-submission/v1\n${taskId}\n${submissionId}`));
  return { submissionId: hash.slice(2, 38), taskId: `0x${hash.slice(34)}` };
}

async function claimOf(db: Queryable, { taskId, submissionId }: Audit): Promise<RegionClaim> {
  const contribution = await findContribution(db, taskId);
  const found = contribution?.audits.includes(submissionId)
    ? (await receiptsOf(db, taskId)).find(({ claim }) => claim.submissionId === submissionId)
    : undefined;
  if (found) return found.claim;
  throw new ServerError({ code: 'AUDIT_UNKNOWN', submissionId }, 'nobody asked for this submission');
}

function wrong({ submissionId }: RegionClaim, field: string): ServerError {
  return new ServerError(
    { code: 'AUDIT_WRONG', submissionId, field },
    `these are not the bytes that the receipt of ${submissionId} is about (${field})`,
  );
}

function checkHeader(
  { header, format }: AnySubmissionFrame,
  { claim, ticket }: { claim: RegionClaim; ticket: TaskRow },
): void {
  checkFormat(format, ticket);
  if (header.stateRoot !== ticket.task.stateRoot || header.baseVersion !== ticket.version)
    throw new ServerError(
      { code: 'STATE_ROOT_WRONG', expected: ticket.task.stateRoot, actual: header.stateRoot },
      'the delta starts from another model than the round',
    );
  if (header.innerSteps !== claim.steps) throw wrong(claim, 'steps');
  if (header.tokens !== claim.tokens) throw wrong(claim, 'tokens');
}

/** The task that this server would have given that device itself; returns its shards. */
async function insertAuditedTask(
  context: ServerContext,
  tx: Queryable,
  { ticket, claim, taskId }: { ticket: TaskRow; claim: RegionClaim; taskId: string },
): Promise<string> {
  const { address, instance } = claim;
  const { round, version, deadline_ms: deadlineMs } = ticket;
  const task = { ...ticket.task, ...assignmentOf(context, { address, instance }, round), taskId };
  await tx.query(
    `INSERT INTO tasks (task_id, address, instance, round, version, status, issued_ms, deadline_ms, task, region_task_id)
     VALUES ($1, $2, $3, $4, $5, 'answered', $6, $7, $8, $9)`,
    [
      taskId,
      address,
      instance,
      round,
      version,
      context.now(),
      deadlineMs,
      JSON.stringify(task),
      ticket.task_id,
    ],
  );
  return [...new Set(task.ranges.map(({ shard }) => shard))].join(',');
}

/** A contribution of nothing but audited submissions has no aggregate: the round need not wait for one. */
async function closeIfAllIsHere(tx: Queryable, taskId: string): Promise<void> {
  const { receipts, audits } = (await findContribution(tx, taskId))!;
  if (receipts > audits.length) return;
  const ids = audits.map((id) => storedIds(taskId, id).submissionId);
  const [row] = await tx.query<{ n: number }>(
    'SELECT COUNT(*) AS n FROM submissions WHERE submission_id = ANY($1)',
    [ids],
  );
  if (row?.n === audits.length) await closeTask(tx, taskId, 'answered');
}
