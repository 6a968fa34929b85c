/** @file What this node has of a task's submission: stored for good, in part, or nothing. Only its own device may ask. */
import type { UploadState } from '@alice/protocol';
import type { ServerContext } from '../context.js';
import type { Member } from '../state/members.js';
import { submissionOfTask } from '../state/submissions.js';
import { findTask } from '../state/tasks.js';
import { unknownTask } from './receiveSubmission.js';

/** Throws `TASK_UNKNOWN`. A connection that still sends it is ended first, or waited for where all has arrived. */
export async function uploadState(
  { db, brokenUploads }: ServerContext,
  { taskId, member }: { taskId: string; member: Member },
): Promise<UploadState> {
  if (!(await findTask(db, taskId, member))) throw unknownTask();
  const broken = await brokenUploads.find(taskId);
  const stored = await submissionOfTask(db, taskId);
  if (stored)
    return {
      offsetBytes: stored.size_bytes,
      digest: stored.blob_hash as UploadState['digest'],
      submissionId: stored.submission_id,
    };
  return { offsetBytes: broken?.sizeBytes ?? 0, digest: broken?.digest ?? null, submissionId: null };
}
