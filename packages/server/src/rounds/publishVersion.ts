/**
 * @file Publishes a candidate (AGG-4): version row with signature, scores of everything it contains, the end of its
 * round and the start of the next, in one transaction. The blobs are on disk already, so after the commit the version
 * can be served and before it nothing has happened.
 */
import { toHex, versionMessage } from '@alice/protocol';
import { foldedGains, pairedStatistics, type VerifiedScore, verifiedScores } from '@alice/training';
import type { ServerContext } from '../context.js';
import type { Queryable } from '../database/Database.js';
import { batchFor } from '../scoring/batches.js';
import { type BatchRow, type JobRow, queuedSubmissionJobs, saveBatch } from '../state/jobs.js';
import { type Candidate, openRound, type RoundRow, setRoundStatus } from '../state/rounds.js';
import { findSubmission, foldOf, type SubmissionRow } from '../state/submissions.js';
import { insertVersion, type VersionRow } from '../state/versions.js';
import { creditRegion } from '../upstream/creditRegion.js';

interface Publication {
  readonly round: RoundRow;
  readonly base: VersionRow;
  readonly candidate: Candidate;
  /** Losses of the report rows at the candidate, nats. */
  readonly losses: Float64Array;
}

export async function publishVersion(context: ServerContext, publication: Publication): Promise<void> {
  const { round, base, candidate, losses } = publication;
  const nowMs = context.now();
  const { mean, error } = meanLoss(losses);
  const version = await context.db.transaction(async (tx) => {
    const merged = (await foldOf(tx, round.round)).filter(({ status }) => status === 'accepted');
    await payScores(context, tx, merged);
    const row = versionRow(context, candidate, {
      version: base.version + 1,
      parent_state_root: base.state_root,
      created_ms: Math.max(nowMs, base.created_ms + 1),
      loss_nats: mean,
      loss_error_nats: error,
      trained_tokens: base.trained_tokens + total(merged, (s) => s.tokens),
      uplink_bytes: base.uplink_bytes + total(merged, (s) => s.size_bytes),
      accepted: base.accepted + merged.length,
    });
    await insertVersion(tx, row);
    await setRoundStatus(tx, round.round, { status: 'applied', closedMs: nowMs });
    await openRound(tx, { round: round.round + 1, version: row.version, nowMs });
    await moveWaitingJobs(context, tx, row);
    return row;
  });
  context.log.info('Version published', {
    version: version.version,
    lossNats: mean,
    submissions: version.accepted - base.accepted,
    changed: candidate.changedElements,
  });
  context.waiting.tasks.wake();
  context.waiting.jobs.wake();
  context.changed();
}

/** Mean of held-out losses and its standard error, nats. */
export function meanLoss(losses: Float64Array): { mean: number; error: number } {
  const { meanGainNats: mean, standardErrorNats: error } = pairedStatistics(
    losses,
    new Float64Array(losses.length),
  );
  return { mean, error: Number.isFinite(error) ? error : 0 };
}

/** A signed row for a candidate. */
export function versionRow(
  { networkId, options }: Pick<ServerContext, 'networkId' | 'options'>,
  candidate: Candidate,
  facts: Omit<VersionRow, 'state_root' | 'master' | 'snapshot' | 'set_delta' | 'signature'>,
): VersionRow {
  const message = versionMessage(
    {
      version: facts.version,
      stateRoot: candidate.stateRoot,
      parentStateRoot: facts.parent_state_root,
      createdAtMs: facts.created_ms,
      snapshot: null,
      setDelta: null,
      heldOutLossNats: null,
      standardErrorNats: null,
      trainedTokens: 0,
      uplinkBytes: 0,
      acceptedSubmissions: 0,
    },
    networkId,
  );
  return {
    ...facts,
    state_root: candidate.stateRoot,
    master: candidate.master,
    snapshot: candidate.snapshot,
    set_delta: candidate.setDelta,
    signature: toHex(options.serverKey.sign(message)),
  };
}

/** SCORE-7: what each submission of a round is worth, against the medians of the round. */
export async function roundScores(
  { options }: Pick<ServerContext, 'options'>,
  tx: Queryable,
  merged: readonly SubmissionRow[],
): Promise<(VerifiedScore & { readonly previousRate: number | undefined })[]> {
  const previous = await previousRates(tx, merged);
  const gains = foldedGains(
    merged.map((row) => ({ gainNats: row.gain_nats ?? 0, normL2: row.norm_l2 ?? 0 })),
  );
  const scores = verifiedScores(
    merged.map((row, i) => ({
      gate: 'accept',
      workTests: 'passed',
      gainNats: gains[i]!,
      verifiedTokens: row.verified_tokens ?? row.tokens,
      ...(previous[i] === undefined ? {} : { previousRate: previous[i] }),
    })),
    options.training.pay,
  );
  return scores.map((score, i) => ({ ...score, previousRate: previous[i] }));
}

/** Scores are fixed when the work is merged; those of a region's contribution go to its miners. */
async function payScores(
  context: ServerContext,
  tx: Queryable,
  merged: readonly SubmissionRow[],
): Promise<void> {
  const scores = await roundScores(context, tx, merged);
  for (const [i, row] of merged.entries()) {
    const { nanoNats: score, smoothedRate, previousRate } = scores[i]!;
    const nanoNats = (await creditRegion(tx, row, score)) ? 0n : score;
    await tx.query(
      `UPDATE submissions SET stage = 'merged', score = $2, previous_rate = $3, smoothed_rate = $4
       WHERE submission_id = $1`,
      [row.submission_id, nanoNats.toString(), previousRate ?? null, smoothedRate ?? null],
    );
    await tx.query(
      `UPDATE members SET score = score + $3, smoothed_rate = $4
       WHERE address = $1 AND instance = $2 AND role = 'miner'`,
      [row.address, row.instance, nanoNats.toString(), smoothedRate ?? null],
    );
  }
}

async function previousRates(tx: Queryable, rows: readonly SubmissionRow[]): Promise<(number | undefined)[]> {
  const found: (number | undefined)[] = [];
  for (const { address, instance } of rows) {
    const [member] = await tx.query<{ smoothed_rate: number | null }>(
      `SELECT smoothed_rate FROM members WHERE address = $1 AND instance = $2 AND role = 'miner'`,
      [address, instance],
    );
    found.push(member?.smoothed_rate ?? undefined);
  }
  return found;
}

/** Work nobody has begun to score is scored against the new version, into which it would be merged. */
async function moveWaitingJobs(context: ServerContext, tx: Queryable, version: VersionRow): Promise<void> {
  for (const job of await queuedSubmissionJobs(tx)) {
    const moved = job.kind === 'work' ? await controlRows(context, tx, { job, version }) : undefined;
    const batch =
      moved ?? batchFor(context, { kind: 'score', version: version.version, look: job.batch_index });
    await saveBatch(tx, batch);
    const column = moved ? 'control_batch_id' : 'batch_id';
    await tx.query(`UPDATE jobs SET version = $2, state_root = $3, ${column} = $4 WHERE job_id = $1`, [
      job.job_id,
      version.version,
      version.state_root,
      batch.batch_id,
    ]);
  }
}

/** The rows of its own task stay the same; what they are compared with is measured on the new version. */
async function controlRows(
  context: ServerContext,
  tx: Queryable,
  { job, version }: { job: JobRow; version: VersionRow },
): Promise<BatchRow> {
  const { round } = (await findSubmission(tx, job.subject))!;
  return batchFor(context, { kind: 'control', version: version.version, round });
}

function total(rows: readonly SubmissionRow[], of: (row: SubmissionRow) => number): number {
  return rows.reduce((sum, row) => sum + of(row), 0);
}
