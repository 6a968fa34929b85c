/**
 * @file Moves the one unfinished round a step on: open → folding → candidate → applied, rolled back or refused (AGG-2,
 * AGG-3). Each step is one transaction over a state from which the next step follows, so a server killed anywhere
 * resumes here and takes the same way.
 */
import { type AggregationRule, decideMerge, workShares } from '@alice/training';
import type { ServerContext } from '../context.js';
import type { Queryable } from '../database/Database.js';
import { queueReportJob } from '../scoring/queueJob.js';
import { jobsOf } from '../state/jobs.js';
import { type Candidate, currentRound, openRound, type RoundRow, setRoundStatus } from '../state/rounds.js';
import { fixFold, foldOf, type SubmissionRow, waitingFor } from '../state/submissions.js';
import { tasksOfRound } from '../state/tasks.js';
import { findVersion, latestVersion, type VersionRow } from '../state/versions.js';
import { judgeContributions, memberCounts } from '../upstream/judgeContributions.js';
import { judgeWork } from './judgeWork.js';
import { publishVersion } from './publishVersion.js';
import { refuseFolded, rollBackRound } from './rollBackRound.js';
import { roundVerdict } from './roundVerdict.js';

/** Returns whether the round moved; call again until it does not. */
export async function advanceRound(context: ServerContext): Promise<boolean> {
  const round = await currentRound(context.db);
  if (round.status === 'open') return closeIfDue(context, round);
  if (round.status === 'folding') return buildCandidate(context, round);
  if (round.status === 'candidate') return judgeCandidate(context, round);
  throw new Error(`round ${round.round} ended without opening the next in the same transaction`);
}

async function closeIfDue(context: ServerContext, round: RoundRow): Promise<boolean> {
  const { db, options } = context;
  const tasks = await tasksOfRound(db, round.round);
  const base = await latestVersion(db);
  const verdict = roundVerdict(
    {
      nowMs: context.now(),
      firstTaskMs: tasks.firstIssuedMs,
      openTasks: tasks.open,
      ...(await waitingFor(db, round.round)),
      isBaselineKnown: base?.loss_nats != null,
    },
    options.round,
  );
  if (verdict === 'wait') return false;
  const isRefused = await db.transaction(async (tx) => {
    if (verdict === 'fold') {
      await fixFold(tx, round.round);
      const folded = await foldOf(tx, round.round);
      const judged = await judgeWork(context, tx, { round: round.round, folded });
      if (judged - (await judgeContributions(context, tx, round.round)) > 0) {
        await setRoundStatus(tx, round.round, { status: 'folding' });
        return false;
      }
    }
    await refuseRound(context, tx, round);
    return true;
  });
  if (isRefused) tellRefused(context, round);
  return true;
}

/** Nothing was accepted: the next round starts on the same version, and an alarm says so (SCORE-3). */
async function refuseRound(context: ServerContext, tx: Queryable, round: RoundRow): Promise<void> {
  const nowMs = context.now();
  await setRoundStatus(tx, round.round, {
    status: 'refused',
    closedMs: nowMs,
    reason: 'every submission was refused',
  });
  await openRound(tx, { round: round.round + 1, version: round.version, nowMs });
}

function tellRefused(context: ServerContext, round: RoundRow): void {
  context.log.warn('Round ended without accepted work', { round: round.round });
  context.waiting.tasks.wake();
  context.changed();
}

async function buildCandidate(context: ServerContext, round: RoundRow): Promise<boolean> {
  const { db, options, compute } = context;
  const folded = (await foldOf(db, round.round)).filter(({ status }) => status === 'accepted');
  const base = (await findVersion(db, round.version))!;
  const { training } = options;
  const members = await memberCounts(db, folded);
  const submissions = withWeights(folded, training.aggregation).map((entry, i) => ({
    ...entry,
    members: members[i]!,
  }));
  const rule = {
    rule: training.aggregation,
    clip: training.clipToMedianNorm,
    groups: training.aggregationGroups,
  };
  const { outerLearningRate } = training;
  const { candidate, dropped } = await compute.fold({
    base: { version: base.version, stateRoot: base.state_root, masterHash: base.master!.hash },
    submissions,
    rule,
    outerLearningRate,
  });
  if (dropped.length === folded.length) {
    await db.transaction(async (tx) => {
      await refuseFolded(tx, folded, { code: 'DELTA_INVALID', reason: dropped[0]!.reason });
      await refuseRound(context, tx, round);
    });
    tellRefused(context, round);
    return true;
  }
  await db.transaction(async (tx) => {
    for (const { position, code, reason } of dropped)
      await refuseFolded(tx, [folded[position]!], { code, reason });
    const fold = {
      ...{
        version: base.version + 1,
        baseVersion: base.version,
        ...rule,
        outerLearningRate,
        pay: training.pay,
      },
      submissions: folded
        .map((row, i) => ({
          submissionId: row.submission_id,
          blob: { hash: row.blob_hash, sizeBytes: row.size_bytes },
          weight: submissions[i]!.weight,
          ...(members[i]! > 1 ? { members: members[i]! } : {}),
        }))
        .filter((_, i) => dropped.every(({ position }) => position !== i)),
    };
    await setRoundStatus(tx, round.round, { status: 'candidate', candidate, fold });
    await queueReportJob(context, tx, {
      kind: 'candidate',
      subject: round.round,
      blob: candidate.setDelta,
      base,
    });
  });
  context.waiting.jobs.wake();
  context.log.debug('Candidate built', {
    round: round.round,
    submissions: folded.length,
    stateRoot: candidate.stateRoot,
  });
  return true;
}

/** Shares in (0, 1], by work or by gain as the rule asks; other rules ignore them. */
function withWeights(
  folded: readonly SubmissionRow[],
  rule: AggregationRule,
): { blobHash: SubmissionRow['blob_hash']; weight: number }[] {
  const weights =
    rule === 'mean-by-work'
      ? workShares(folded.map(workOf))
      : folded.map(byGain(Math.max(...folded.map(gainOf))));
  return folded.map((row, i) => ({ blobHash: row.blob_hash, weight: weights[i]! }));
}

const workOf = (row: SubmissionRow): number => row.verified_tokens ?? row.tokens;
const gainOf = (row: SubmissionRow): number => row.gain_nats ?? 0;
const byGain =
  (best: number) =>
  (row: SubmissionRow): number =>
    best > 0 ? Math.max(gainOf(row) / best, 1e-6) : 1;

async function judgeCandidate(context: ServerContext, round: RoundRow): Promise<boolean> {
  const { db, options } = context;
  const [job] = await jobsOf(db, 'candidate', String(round.round));
  if (job?.status !== 'done') return false;
  const base: VersionRow = (await findVersion(db, round.version))!;
  const candidate: Candidate = round.candidate!;
  if (!job.losses_after) {
    await rollBackRound(context, round, 'the candidate gave losses that are not finite');
    return true;
  }
  const before = Float64Array.from(job.losses_before!);
  const after = Float64Array.from(job.losses_after);
  const decision = decideMerge(before, after, options.training.mergeGate);
  if (decision.verdict === 'apply') await publishVersion(context, { round, base, candidate, losses: after });
  else {
    const [low, high] = decision.intervalNats;
    const gain = `${decision.meanGainNats.toFixed(4)} nats (95% from ${low.toFixed(4)} to ${high.toFixed(4)})`;
    await rollBackRound(context, round, `${decision.reason}: the held-out gain was ${gain}`);
  }
  return true;
}
