/**
 * @file The first look at what was received: too old, or a copy (SCORE-4 c)? What passes is queued for scoring. One
 * submission after another in order of arrival, so that of two equal ones the later is the copy. Redone after a crash
 * for whatever is still at stage `inspect`.
 */
import { defaultOverlapThresholds } from '@alice/training';
import type { CompareResult } from '../compute/compareSubmission.js';
import type { ServerContext } from '../context.js';
import { queueSubmissionJob } from '../scoring/queueJob.js';
import {
  copySources,
  moveToScoring,
  type SubmissionRow,
  sameContent,
  submissionsAt,
  type Verdict,
} from '../state/submissions.js';
import { findVersion, latestVersion, type VersionRow } from '../state/versions.js';
import { recordVerdict } from './recordVerdict.js';

/** Returns how many submissions it moved on. */
export async function inspectSubmissions(context: ServerContext): Promise<number> {
  const waiting = await submissionsAt(context.db, 'inspect');
  for (const row of waiting) {
    const refusal = await refusalOf(context, row);
    await context.db.transaction(async (tx) => {
      const base = await latestVersion(tx);
      if (refusal) return recordVerdict(tx, row, refusal);
      await moveToScoring(tx, row.submission_id);
      const blob = { hash: row.blob_hash, sizeBytes: row.size_bytes };
      await queueSubmissionJob(context, tx, { submissionId: row.submission_id, blob, base: base!, look: 0 });
    });
    if (refusal)
      context.log.info('Submission refused', { submission: row.submission_id, code: refusal.code });
  }
  if (waiting.length > 0) {
    context.waiting.jobs.wake();
    context.changed();
  }
  return waiting.length;
}

async function refusalOf(context: ServerContext, row: SubmissionRow): Promise<Verdict | undefined> {
  const { db } = context;
  const current = (await latestVersion(db))!;
  if (row.version < current.version - 1)
    return refused(
      'STALE_VERSION',
      `The delta starts from version ${row.version}; the model is at ${current.version}.`,
    );
  const same = await sameContent(db, row);
  if (same) return refused('COPY', 'The delta has the same content as an earlier submission.');
  const others = await copySources(db, row);
  const found = await context.compute.compare({
    blobHash: row.blob_hash,
    others: others.map((other) => ({ submissionId: other.submission_id, blobHash: other.blob_hash })),
    published: await publishedMasters(context, current),
    thresholds: defaultOverlapThresholds,
  });
  return found.copyOf === 'none' ? undefined : refused('COPY', describe(found));
}

/** Null when either master has been pruned or only version 0 exists. */
async function publishedMasters({ db }: ServerContext, current: VersionRow) {
  const parent = current.version > 0 ? await findVersion(db, current.version - 1) : undefined;
  if (!parent?.master || !current.master) return null;
  return { from: parent.master.hash, to: current.master.hash };
}

function describe(found: Exclude<CompareResult, { copyOf: 'none' }>): string {
  const share = `${(100 * found.overlap).toFixed(0)}% of the indices`;
  return found.copyOf === 'submission'
    ? `The delta shares ${share} with an earlier submission of the round.`
    : `The delta shares ${share} with the last published update and agrees with its values.`;
}

function refused(code: string, reason: string): Verdict {
  return { status: 'refused', code, reason };
}
