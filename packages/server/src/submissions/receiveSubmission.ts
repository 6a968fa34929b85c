/**
 * @file Takes an upload (WIRE-2, TASK-1): the header is judged before the body is read; the body is hashed, written and
 * strictly checked in the intake thread while it arrives; then it becomes a blob on disk, then one transaction uses up the
 * nonce and stores the row. Only after that is it acknowledged; whatever is refused before leaves the nonce unused.
 */
import { randomUUID } from 'node:crypto';
import {
  type AnySubmissionFrame,
  checkArriving,
  decodeAnySubmissionHeader,
  type HashHex,
  SUBMISSION_HEADER_BYTES,
  type Submission,
  type SubmissionHeader,
  WireError,
} from '@alice/protocol';
import type { ServerContext } from '../context.js';
import { ServerError } from '../errors.js';
import { groupCalls } from '../groupCalls.js';
import type { Member } from '../state/members.js';
import {
  insertSubmissions,
  type NewSubmission,
  type SubmissionRow,
  submissionMessage,
  submissionOfTask,
} from '../state/submissions.js';
import { closeTasks, findTasks, type TaskRow } from '../state/tasks.js';
import { latestVersionNumber } from '../state/versions.js';
import type { UploadBody } from '../uploads/UploadBody.js';
import { findContribution } from '../upstream/regionReceipts.js';

interface Upload {
  readonly member: Member;
  readonly taskId: string;
  readonly body: UploadBody;
}

/** Rows stored in one transaction, and looked up with one query, at most. */
const ROWS_AT_ONCE = 64;

/** What uploads that come together ask the database in one go. */
interface Grouped {
  taskOf(asked: { taskId: string; who: Member }): Promise<TaskRow | undefined>;
  currentVersion(): Promise<number>;
  store(row: NewSubmission): Promise<SubmissionRow | undefined>;
}

/** Throws the codes of the checks above; the client learns from `NONCE_USED` whether these very bytes had arrived. */
export function createReceiver(context: ServerContext): (upload: Upload) => Promise<Submission> {
  const { db } = context;
  const current = groupCalls(async (calls: readonly undefined[]) => {
    const version = await latestVersionNumber(db);
    return calls.map(() => version);
  }, ROWS_AT_ONCE);
  const grouped: Grouped = {
    taskOf: groupCalls((asked: Parameters<typeof findTasks>[1]) => findTasks(db, asked), ROWS_AT_ONCE),
    currentVersion: () => current(undefined),
    store: groupCalls((rows: readonly NewSubmission[]) => storeRows(context, rows), ROWS_AT_ONCE),
  };
  return (upload) => receive(context, upload, grouped);
}

async function receive(
  context: ServerContext,
  upload: Upload,
  { taskOf, currentVersion, store }: Grouped,
): Promise<Submission> {
  const task = await taskOf({ taskId: upload.taskId, who: upload.member });
  if (!task) throw unknownTask();
  const { body } = upload;
  const frame = decodeAnySubmissionHeader(await body.head());
  const { header, format, entryCount } = frame;
  checkFormat(format, task);
  await checkEntries(context, task, entryCount);
  checkTicket(header, task);
  if (task.status === 'answered') await checkUnused(context, task, () => body.digest());
  await checkTime(context, task, currentVersion);
  checkClaims(header, task);
  await checkSize(context, frame, body);
  const checked = await body.receive();
  await body.keep();
  const stored = await store({
    submission_id: randomUUID(),
    task_id: task.task_id,
    address: task.address,
    instance: task.instance,
    reward_address: upload.member.rewardAddress,
    round: task.round,
    version: task.version,
    shards: [...new Set(task.task.ranges.map(({ shard }) => shard))].join(','),
    blob_hash: checked.hash,
    size_bytes: checked.sizeBytes,
    content_hash: checked.contentHash,
    norm_l2: checked.normL2,
    steps: header.innerSteps,
    tokens: header.tokens,
    received_ms: context.now(),
  });
  if (!stored) {
    await checkUnused(context, task, async () => checked.hash); // another request was faster
    throw expired(task);
  }
  context.brokenUploads.forget(task.task_id); // of an earlier try
  context.nudge();
  context.changed();
  return submissionMessage(stored);
}

/** Uses up the tasks' nonces and stores the rows; undefined for a row whose task had been answered or was over. */
function storeRows(
  { db }: ServerContext,
  rows: readonly NewSubmission[],
): Promise<(SubmissionRow | undefined)[]> {
  const first = new Map(rows.toReversed().map((row) => [row.task_id, row.submission_id]));
  return db.transaction(async (tx) => {
    const closed = new Set(await closeTasks(tx, [...first.keys()], 'answered'));
    const stored = await insertSubmissions(
      tx,
      rows.filter((row) => closed.has(row.task_id) && first.get(row.task_id) === row.submission_id),
    );
    return rows.map((row) => stored.find(({ submission_id }) => submission_id === row.submission_id));
  });
}

/** Precision is part of the task: who sends finer values than the others would be heard better for the same work. */
export function checkFormat(format: AnySubmissionFrame['format'], { task }: TaskRow): void {
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

/** Only a region's contribution stands for several submissions and may be as large. */
async function checkEntries({ db, bounds }: ServerContext, task: TaskRow, entries: number): Promise<void> {
  const { maxEntries } = bounds;
  if (entries <= maxEntries || (await findContribution(db, task.task_id))) return;
  throw new WireError(
    { code: 'WIRE_ENTRY_LIMIT', entries, maxEntries },
    `a submission of this task has ${maxEntries} entries at most, not ${entries}`,
  );
}

/** What the header says of the body must be possible, and what the request says of its length. */
export async function checkSize(
  { layout, uploadBounds }: ServerContext,
  { bodyBytes }: AnySubmissionFrame,
  body: UploadBody,
): Promise<void> {
  checkArriving(await body.head(), { layout, ...uploadBounds });
  const [expectedBytes, gotBytes] = [SUBMISSION_HEADER_BYTES + bodyBytes, body.announcedBytes];
  if (gotBytes === undefined || gotBytes === expectedBytes) return;
  if (gotBytes < expectedBytes)
    throw new WireError(
      { code: 'WIRE_TRUNCATED', needBytes: expectedBytes, gotBytes },
      `${gotBytes} bytes are sent where the header announces ${expectedBytes}`,
    );
  throw new WireError(
    { code: 'WIRE_TRAILING_BYTES', expectedBytes, gotBytes },
    `${gotBytes - expectedBytes} byte(s) more are sent than the header announces`,
  );
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

async function checkUnused(
  { db }: ServerContext,
  task: TaskRow,
  hash: () => Promise<HashHex>,
): Promise<void> {
  const earlier = await submissionOfTask(db, task.task_id);
  if (!earlier) return;
  const identical = earlier.blob_hash === (await hash());
  throw new ServerError(
    { code: 'NONCE_USED', submissionId: earlier.submission_id, identical },
    identical
      ? 'these bytes were received before; nothing is lost'
      : 'this task has been answered already: take a new one; of two programs that mine with one key, each needs its own --instance',
  );
}

export function unknownTask(): ServerError {
  return new ServerError({ code: 'TASK_UNKNOWN' }, 'there is no such task for this address and instance');
}

export async function checkTime(
  { db, now }: ServerContext,
  task: TaskRow,
  currentVersion = () => latestVersionNumber(db),
): Promise<void> {
  if (task.status === 'expired' || task.deadline_ms <= now()) throw expired(task);
  const current = await currentVersion();
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
