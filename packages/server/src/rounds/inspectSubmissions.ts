/**
 * @file The first look at what was received: too old, or a copy (SCORE-4 c)? What passes is queued for scoring. One
 * submission after another in order of arrival, so that of two equal ones the later is the copy. Redone after a crash
 * for whatever is still at stage `inspect`.
 */
import type { HashHex } from '@alice/protocol';
import { defaultOverlapThresholds } from '@alice/training';
import type { CompareResult } from '../compute/compareSubmission.js';
import { UPDATES_KEPT } from '../compute/ModelState.js';
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
    const found = await inspect(context, row);
    const refusal = found.refusal;
    await context.db.transaction(async (tx) => {
      const base = await latestVersion(tx);
      if (refusal) return recordVerdict(tx, row, refusal);
      await moveToScoring(tx, row.submission_id, found.lean);
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

interface Inspected {
  readonly refusal?: Verdict;
  readonly lean?: number | undefined;
}

async function inspect(context: ServerContext, row: SubmissionRow): Promise<Inspected> {
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
    sinceBase: current.version - row.version,
    thresholds: defaultOverlapThresholds,
  });
  return found.copyOf === 'none' ? { lean: found.lean } : refused('COPY', describe(found));
}

/** The masters around the last applied rounds, newest first, as far as they are still kept. */
async function publishedMasters({ db }: ServerContext, current: VersionRow) {
  const pairs: { from: HashHex; to: HashHex }[] = [];
  for (let to = current; pairs.length < UPDATES_KEPT && to.version > 0; ) {
    const from = await findVersion(db, to.version - 1);
    if (!from?.master || !to.master) break;
    pairs.push({ from: from.master.hash, to: to.master.hash });
    to = from;
  }
  return pairs;
}

function describe(found: Exclude<CompareResult, { copyOf: 'none' }>): string {
  const share = `${(100 * found.overlap).toFixed(0)}% of the indices`;
  return found.copyOf === 'submission'
    ? `The delta shares ${share} with an earlier submission of the round.`
    : `The delta shares ${share} with a published update and agrees with its values.`;
}

function refused(code: string, reason: string): Inspected {
  return { refusal: { status: 'refused', code, reason } };
}
