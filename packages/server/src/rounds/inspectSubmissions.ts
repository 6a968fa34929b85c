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
import { queueSubmissionJobs } from '../scoring/queueJob.js';
import {
  moveToScoring,
  type SubmissionRow,
  sameContent,
  submissionsAt,
  type Verdict,
} from '../state/submissions.js';
import { findVersion, latestVersion, type VersionRow } from '../state/versions.js';
import { recordVerdicts } from './recordVerdict.js';

/** Submissions looked at with one reading of what they may be copies of. */
const AT_ONCE = 64;

/** Returns how many submissions it moved on. */
export async function inspectSubmissions(context: ServerContext): Promise<number> {
  const { db, log } = context;
  const waiting = await submissionsAt(db, 'inspect', AT_ONCE);
  if (waiting.length === 0) return 0;
  const current = (await latestVersion(db))!;
  await context.copies.refresh(current.version, [...new Set(waiting.map(({ round }) => round))]);
  const known: Known = {
    current,
    published: await publishedMasters(context, current),
    same: await sameContent(
      db,
      waiting.map(({ submission_id }) => submission_id),
    ),
  };
  const found: Found[] = [];
  for (const row of waiting) {
    const judged = { row, ...(await inspect(context, row, { ...known, found })) };
    found.push(judged);
    if (judged.refusal)
      log.info('Submission refused', { submission: row.submission_id, code: judged.refusal.code });
  }
  await moveOn(context, current, found);
  context.waiting.jobs.wake();
  context.changed();
  return waiting.length + (waiting.length === AT_ONCE ? await inspectSubmissions(context) : 0);
}

interface Inspected {
  readonly refusal?: Verdict;
  readonly lean?: number | undefined;
}
interface Found extends Inspected {
  readonly row: SubmissionRow;
}

/** A few statements, however many there are: while they run no task is handed out. */
async function moveOn(context: ServerContext, base: VersionRow, found: readonly Found[]): Promise<void> {
  const passed = found.filter(({ refusal }) => !refusal);
  const submissions = passed.map(({ row }) => ({
    submissionId: row.submission_id,
    blob: { hash: row.blob_hash, sizeBytes: row.size_bytes },
  }));
  await context.db.transaction(async (tx) => {
    await recordVerdicts(
      tx,
      found.flatMap(({ row, refusal }) => (refusal ? [{ row, verdict: refusal }] : [])),
    );
    if (passed.length === 0) return;
    await moveToScoring(
      tx,
      passed.map(({ row, lean }) => ({ submissionId: row.submission_id, lean })),
    );
    await queueSubmissionJobs(context, tx, { submissions, base, look: 0 });
  });
}

/** What all submissions of one look are compared with. */
interface Known {
  readonly current: VersionRow;
  readonly published: Awaited<ReturnType<typeof publishedMasters>>;
  /** Those that an earlier one equals in all indices and values. */
  readonly same: ReadonlySet<string>;
}

/** `found`: what this look has decided and not stored yet. */
async function inspect(
  context: ServerContext,
  row: SubmissionRow,
  { current, published, same, found }: Known & { readonly found: readonly Found[] },
): Promise<Inspected> {
  if (row.version < current.version - 1)
    return refused(
      'STALE_VERSION',
      `The delta starts from version ${row.version}; the model is at ${current.version}.`,
    );
  if (same.has(row.submission_id))
    return refused('COPY', 'The delta has the same content as an earlier submission.');
  const gone = new Set(
    found.flatMap(({ refusal, row: { submission_id } }) => (refusal ? [submission_id] : [])),
  );
  const others = (await context.copies.candidates(row)).filter(
    ({ submission_id }) => !gone.has(submission_id),
  );
  const compared = await context.compute.compare({
    blobHash: row.blob_hash,
    others: others.map((other) => ({ submissionId: other.submission_id, blobHash: other.blob_hash })),
    published,
    sinceBase: current.version - row.version,
    thresholds: defaultOverlapThresholds,
  });
  return compared.copyOf === 'none' ? { lean: compared.lean } : refused('COPY', describe(compared));
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
