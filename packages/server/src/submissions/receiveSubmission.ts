/**
 * @file Takes an upload (WIRE-2, TASK-1): cheap checks of the header first, a strict decode in the compute thread, then
 * the blob on disk, then one transaction that uses up the nonce and stores the row. Only after that is it acknowledged;
 * whatever is refused before leaves the nonce unused.
 */
import { randomUUID } from 'node:crypto';
import {
  type AnySubmissionFrame,
  decodeAnySubmissionHeader,
  type Submission,
  type SubmissionHeader,
  WireError,
} from '@alice/protocol';
import { contentHash } from '../blobs/BlobStore.js';
import type { ServerContext } from '../context.js';
import { ServerError } from '../errors.js';
import type { Member } from '../state/members.js';
import {
  findSubmission,
  insertSubmission,
  submissionMessage,
  submissionOfTask,
} from '../state/submissions.js';
import { closeTask, findTask, type TaskRow } from '../state/tasks.js';
import { latestVersion } from '../state/versions.js';

interface Upload {
  readonly member: Member;
  readonly taskId: string;
  readonly bytes: Uint8Array;
}

/** Throws the codes of the checks above; the client learns from `NONCE_USED` whether these very bytes had arrived. */
export async function receiveSubmission(context: ServerContext, upload: Upload): Promise<Submission> {
  const { db, blobs, compute } = context;
  const task = await findTask(db, upload.taskId, upload.member);
  if (!task)
    throw new ServerError({ code: 'TASK_UNKNOWN' }, 'there is no such task for this address and instance');
  const { header, format } = decodeAnySubmissionHeader(upload.bytes);
  checkFormat(format, task);
  checkTicket(header, task);
  await checkUnused(context, task, upload.bytes);
  await checkTime(context, task);
  checkClaims(header, task);
  const checked = await compute.check(upload.bytes);
  const blob = await blobs.put(upload.bytes);
  const submissionId = randomUUID();
  const isStored = await db.transaction(async (tx) => {
    if (!(await closeTask(tx, task.task_id, 'answered'))) return false;
    await insertSubmission(tx, {
      submission_id: submissionId,
      task_id: task.task_id,
      address: task.address,
      instance: task.instance,
      reward_address: upload.member.rewardAddress,
      round: task.round,
      version: task.version,
      shards: [...new Set(task.task.ranges.map(({ shard }) => shard))].join(','),
      blob_hash: blob.hash,
      size_bytes: blob.sizeBytes,
      content_hash: checked.contentHash,
      norm_l2: checked.normL2,
      steps: header.innerSteps,
      tokens: header.tokens,
      received_ms: context.now(),
    });
    return true;
  });
  if (!isStored) {
    await checkUnused(context, task, upload.bytes); // another request was faster
    throw expired(task);
  }
  context.nudge();
  context.changed();
  return submissionMessage((await findSubmission(db, submissionId))!);
}

/** Precision is part of the task: who sends finer values than the others would be heard better for the same work. */
function checkFormat(format: AnySubmissionFrame['format'], { task }: TaskRow): void {
  const asked = task.settings.format ?? { wire: 'binary_v2' };
  const [expected, actual] = [nameOf(asked), nameOf(format)];
  if (actual === expected) return;
  throw new WireError(
    { code: 'WIRE_UNEXPECTED', field: 'format', expected, actual },
    `the submission is in ${actual}, its task asks for ${expected}`,
  );
}

function nameOf(format: AnySubmissionFrame['format']): string {
  return format.wire === 'binary_v2' ? format.wire : `${format.wire} with ${format.valueBits}-bit values`;
}

/** The header must be for this task, on this model. */
function checkTicket(header: SubmissionHeader, { task }: TaskRow): void {
  if (header.taskId !== task.taskId)
    throw new ServerError(
      { code: 'TASK_UNKNOWN' },
      'the header is for another task than the address of the request',
    );
  if (header.nonce !== task.nonce)
    throw new ServerError({ code: 'NONCE_WRONG' }, 'the nonce in the header is not the one of this task');
  if (header.stateRoot !== task.stateRoot || header.baseVersion !== task.version)
    throw new ServerError(
      { code: 'STATE_ROOT_WRONG', expected: task.stateRoot, actual: header.stateRoot },
      'the delta starts from another model than the task: fetch the version again and check its state root',
    );
}

async function checkUnused({ db }: ServerContext, task: TaskRow, bytes: Uint8Array): Promise<void> {
  const earlier = await submissionOfTask(db, task.task_id);
  if (!earlier) return;
  const identical = earlier.blob_hash === contentHash(bytes);
  throw new ServerError(
    { code: 'NONCE_USED', submissionId: earlier.submission_id, identical },
    identical
      ? 'these bytes were received before; nothing is lost'
      : 'this task has been answered already: take a new one',
  );
}

async function checkTime({ db, now }: ServerContext, task: TaskRow): Promise<void> {
  if (task.status === 'expired' || task.deadline_ms <= now()) throw expired(task);
  const current = (await latestVersion(db))!.version;
  if (task.version < current - 1)
    throw new ServerError(
      { code: 'STALE_VERSION', version: task.version, current },
      `the delta starts from version ${task.version} and the model is at ${current}: take a new task`,
    );
}

/** Claims are never paid for (TASK-2), but what the task cannot contain is a mistake or a lie. */
function checkClaims(header: SubmissionHeader, { task }: TaskRow): void {
  const { innerSteps, rowsPerStep, sequenceLength } = task.settings;
  if (header.innerSteps > innerSteps)
    throw new ServerError(
      { code: 'CLAIM_INVALID', field: 'innerSteps' },
      `the task has ${innerSteps} inner steps`,
    );
  const most = header.innerSteps * rowsPerStep * sequenceLength;
  if (header.tokens > most)
    throw new ServerError(
      { code: 'CLAIM_INVALID', field: 'tokens' },
      `${header.innerSteps} steps have ${most} tokens at most`,
    );
}

function expired({ deadline_ms: deadlineMs }: TaskRow): ServerError {
  return new ServerError(
    { code: 'TASK_EXPIRED', deadlineMs },
    'the time for this task is over: take a new one',
  );
}
