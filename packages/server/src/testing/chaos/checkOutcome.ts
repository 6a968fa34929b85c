/**
 * @file What must hold after any number of kills: every acknowledged submission was judged exactly once, every epoch
 * settled exactly once and paid exactly what was scored, and the model is what the log of merged work leads to. Reads the
 * database, the object store and the chain; an assertion names the first thing that does not hold.
 */
import assert from 'node:assert/strict';
import { initParameters } from '@alice/model';
import {
  fromHalves,
  type SignedReceipt,
  stateRoot,
  type TensorLayout,
  toHalves,
  type VersionFold,
  verifyReceipt,
} from '@alice/protocol';
import type { BlobStore } from '../../blobs/BlobStore.js';
import type { Queryable } from '../../database/Database.js';
import type { SubmissionRow } from '../../state/submissions.js';
import type { VersionRow } from '../../state/versions.js';
import { verifyRound } from '../../verify/verifyRound.js';
import type { FakeChain } from '../FakeChain.js';
import { tinyModel } from '../tinyNetwork.js';
import type { RegionSummary } from './checkRegion.js';

export interface Outcome {
  readonly acknowledged: ReadonlySet<string>;
  readonly db: Queryable;
  readonly blobs: BlobStore;
  readonly chain: FakeChain;
  readonly layout: TensorLayout;
  readonly seed: string;
}

export interface OutcomeSummary {
  readonly acknowledged: number;
  readonly accepted: number;
  readonly refused: number;
  readonly versions: number;
  readonly rolledBack: number;
  readonly epochs: number;
  readonly receipts: number;
  /** How often each role changed its leader. */
  readonly terms: Readonly<Record<string, number>>;
  readonly region?: RegionSummary;
}

/** Rows of a region's miners were judged and folded as one, which is a row of its own. */
const OF_REGION = 'Merged with the contribution of the region';

export async function checkOutcome(outcome: Outcome): Promise<OutcomeSummary> {
  const { db, acknowledged } = outcome;
  const submissions = await db.query<SubmissionRow>('SELECT * FROM submissions ORDER BY sequence');
  const own = submissions.filter(({ reason }) => !reason?.startsWith(OF_REGION));
  checkAcknowledged(acknowledged, submissions);
  await checkJudgedOnce(db, submissions);
  await checkCounters(db, submissions);
  const folds = await checkFolds(db, own);
  const epochs = await checkSettledOnce(outcome, submissions);
  await checkScorersPaid(outcome);
  await checkReplay(outcome, folds);
  const receipts = await checkReceipts(db, submissions);
  const [rounds] = await db.query<{ n: number }>(
    `SELECT COUNT(*) AS n FROM rounds WHERE status = 'rolledBack'`,
  );
  const terms = await db.query<{ role: string; term: number }>('SELECT role, term FROM leaders');
  return {
    acknowledged: acknowledged.size,
    accepted: submissions.filter(({ status }) => status === 'accepted').length,
    refused: submissions.filter(({ status }) => status === 'refused').length,
    versions: folds.length + 1,
    rolledBack: rounds!.n,
    epochs,
    receipts,
    terms: Object.fromEntries(terms.map(({ role, term }) => [role, term])),
  };
}

export function checkAcknowledged(
  acknowledged: ReadonlySet<string>,
  submissions: readonly SubmissionRow[],
): void {
  const status = new Map(submissions.map((row) => [row.submission_id, row.status]));
  for (const id of acknowledged) assert.ok(status.has(id), `submission ${id} was acknowledged and lost`);
  for (const [id, state] of status) assert.notEqual(state, 'queued', `submission ${id} was never judged`);
  const tasks = new Set(submissions.map(({ task_id }) => task_id));
  assert.equal(tasks.size, submissions.length, 'a task was answered twice');
}

/** One finished job for each look, no more looks than the verdict names, and no job left over. */
export async function checkJudgedOnce(db: Queryable, submissions: readonly SubmissionRow[]): Promise<void> {
  const jobs = await db.query<{ subject: string; status: string; batch_index: number }>(
    `SELECT subject, status, batch_index FROM jobs WHERE kind = 'submission' ORDER BY subject, batch_index`,
  );
  for (const { submission_id: id, scored, code } of submissions) {
    const own = jobs.filter(({ subject }) => subject === id);
    assert.deepEqual(
      own.map(({ status, batch_index }) => [status, batch_index]),
      (scored ?? []).map((_, look) => ['done', look]),
      `looks at submission ${id} (${code})`,
    );
  }
}

/** Counters that each verdict adds to: a verdict that was counted twice, or not, shows here. */
async function checkCounters(db: Queryable, submissions: readonly SubmissionRow[]): Promise<void> {
  const known = await db.query<{ device: string }>(
    `SELECT address || '/' || instance AS device FROM members WHERE role = 'miner'`,
  );
  const devices = new Set(known.map(({ device }) => device));
  const own = submissions.filter(({ address, instance }) => devices.has(`${address}/${instance}`));
  const countOwn = (status: string) => own.filter((row) => row.status === status).length;
  const count = (status: string) => submissions.filter((row) => row.status === status).length;
  const [members] = await db.query<{ accepted: number; refused: number; score: string }>(
    `SELECT SUM(accepted) AS accepted, SUM(refused) AS refused, SUM(score) AS score FROM members WHERE role = 'miner'`,
  );
  assert.deepEqual(members, {
    accepted: countOwn('accepted'),
    refused: countOwn('refused'),
    score: total(own).toString(),
  });
  const totals = await db.query<{ status: string; n: number }>(
    'SELECT status, SUM(n)::bigint AS n FROM submission_totals GROUP BY status HAVING SUM(n) > 0 ORDER BY status',
  );
  assert.deepEqual(
    totals,
    ['accepted', 'refused'].map((status) => ({ status, n: count(status) })).filter(({ n }) => n > 0),
  );
}

/** Every accepted submission is in exactly one applied fold. Returns the folds in the order of their versions. */
async function checkFolds(db: Queryable, submissions: readonly SubmissionRow[]): Promise<VersionFold[]> {
  const rows = await db.query<{ fold: VersionFold }>(
    `SELECT fold FROM rounds WHERE status = 'applied' ORDER BY version`,
  );
  const folds = rows.map(({ fold }) => fold);
  assert.deepEqual(
    folds.map(({ version, baseVersion }) => [version, baseVersion]),
    folds.map((_, i) => [i + 1, i]),
    'one applied round for each version',
  );
  assert.deepEqual(
    folds.flatMap((fold) => fold.submissions.map(({ submissionId }) => submissionId)).sort(),
    submissions
      .filter(({ status }) => status === 'accepted')
      .map(({ submission_id }) => submission_id)
      .sort(),
  );
  return folds;
}

/** Each epoch once on the chain, equal to the report that was fixed, and paying the scores of its submissions. */
async function checkSettledOnce(
  { db, chain }: Outcome,
  submissions: readonly SubmissionRow[],
): Promise<number> {
  const { currentEpoch } = await chain.status();
  const rows = await db.query<{ epoch: number; status: string; root: string }>(
    `SELECT epoch, status, report ->> 'receiptsRoot' AS root FROM epochs ORDER BY epoch`,
  );
  const onChain = await Promise.all(Array.from({ length: currentEpoch }, (_, epoch) => chain.epoch(epoch)));
  assert.deepEqual(
    rows,
    onChain.map((info) => ({ epoch: info!.index, status: 'settled', root: info!.receiptsRoot })),
  );
  for (const { epoch } of rows) {
    const paid = (await chain.payouts(epoch)).filter(({ role }) => role === 'training');
    assert.equal(
      paid.reduce((sum, { scoreNanoNats }) => sum + scoreNanoNats, 0n),
      total(submissions.filter((row) => row.epoch === epoch)),
      `training scores of epoch ${epoch}`,
    );
  }
  const unpaid = submissions.filter(({ epoch, score }) => epoch === null && BigInt(score) > 0n);
  assert.deepEqual(unpaid, [], 'merged work that no epoch has paid');
  return rows.length;
}

/** Rows that scorers were credited for: those of finished jobs, once each. */
async function checkScorersPaid({ db, chain }: Outcome): Promise<void> {
  const [work] = await db.query<{ rows: string }>(
    `SELECT SUM(row_count) AS rows FROM jobs JOIN batches USING (batch_id) WHERE status = 'done'`,
  );
  const [unpaid] = await db.query<{ rows: string | null }>(
    'SELECT SUM(unpaid_rows) AS rows FROM scorer_work',
  );
  const settled = new Map(chain.submitted.map((report) => [report.epoch, report]));
  const paid = [...settled.values()]
    .flatMap(({ scores }) => scores)
    .filter(({ role }) => role === 'scoring')
    .reduce((sum, { scoreNanoNats }) => sum + scoreNanoNats, 0n);
  assert.equal(
    paid + BigInt(unpaid?.rows ?? 0),
    BigInt(work?.rows ?? 0),
    'rows that scorers were credited for',
  );
}

/** From the seed through every fold, bit for bit: each version's root, the last one included. */
async function checkReplay(
  { db, blobs, layout, seed }: Outcome,
  folds: readonly VersionFold[],
): Promise<void> {
  const versions = await db.query<VersionRow>('SELECT * FROM versions ORDER BY version');
  assert.equal(versions.length, folds.length + 1);
  const first = toHalves(initParameters(tinyModel, seed), { saturate: true });
  assert.equal(stateRoot(first, layout), versions[0]!.state_root);
  let master = fromHalves(first);
  for (const [i, fold] of folds.entries()) {
    const blobOf = new Map(fold.submissions.map(({ submissionId, blob }) => [submissionId, blob.hash]));
    const base = master;
    const next = new Float32Array(layout.size);
    await verifyRound({
      layout,
      fold,
      baseRoot: versions[i]!.state_root,
      root: versions[i + 1]!.state_root,
      master: async (offset, size) => base.subarray(offset, offset + size),
      blob: (submissionId) => blobs.get(blobOf.get(submissionId)!),
      onPart: (part) => next.set(part.master, part.offset),
    });
    master = next;
  }
}

/** Signed for every submission that says so, whether the public may see it yet or not. */
async function checkReceipts(db: Queryable, submissions: readonly SubmissionRow[]): Promise<number> {
  const receipts = await db.query<SignedReceipt & { submission_id: string }>(
    'SELECT submission_id, receipt, signature FROM receipts',
  );
  const valid = receipts.filter((receipt) => verifyReceipt(receipt)).map((row) => row.submission_id);
  const signed = submissions.filter((row) => row.has_receipt).map((row) => row.submission_id);
  assert.deepEqual(valid.sort(), signed.sort());
  return signed.length;
}

function total(rows: readonly SubmissionRow[]): bigint {
  return rows.reduce((sum, { score }) => sum + BigInt(score), 0n);
}
