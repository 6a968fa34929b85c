/**
 * @file What a region's contribution may count for, when the round closes: the audited submissions tell how much of what the
 * region states is so, and the gain measured here bounds the gains it states. Runs in the transaction that fixes the
 * fold, after the work tests of the audited ones.
 */
import type { ServerContext } from '../context.js';
import type { Queryable } from '../database/Database.js';
import { refuseFolded } from '../rounds/rollBackRound.js';
import { foldOf, recordCoverage, type SubmissionRow } from '../state/submissions.js';
import { auditFactor } from './drawAudits.js';
import { storedIds } from './receiveAudit.js';
import { findContribution, receiptsOf } from './regionReceipts.js';

/** A region's gains may be measured this much larger than here, and by so many standard errors, before they are refused. */
const OVERSTATED = { factor: 2, errors: 3 };

/** Returns how many contributions of the fold it refused. */
export async function judgeContributions(
  { log }: Pick<ServerContext, 'log'>,
  tx: Queryable,
  round: number,
): Promise<number> {
  let refused = 0;
  for (const row of await foldOf(tx, round)) {
    const contribution = row.status === 'accepted' ? await findContribution(tx, row.task_id) : undefined;
    if (!contribution) continue;
    const members = await membersOf(tx, row);
    const statedNats = members.reduce((sum, { gainNats }) => sum + gainNats, 0) / members.length;
    const passed = await passedAudits(tx, row.task_id, contribution.audits);
    const factor = auditFactor({ passed, audited: contribution.audits.length });
    const code = refusalFor(row, { statedNats, factor });
    if (code) {
      refused++;
      log.warn('Contribution of a region refused', { region: row.address, code, statedNats, factor });
      await refuseFolded(tx, [row], { code, reason: REASONS[code] });
      continue;
    }
    const tokens = members.reduce((sum, { verifiedTokens }) => sum + verifiedTokens, 0) / members.length;
    await recordCoverage(tx, row.submission_id, {
      covered: factor,
      verifiedTokens: factor * Math.min(tokens, row.tokens),
    });
  }
  return refused;
}

/** How many submissions each row of a fold stands for: audited ones and those of single miners for one. */
export async function memberCounts(tx: Queryable, folded: readonly SubmissionRow[]): Promise<number[]> {
  const counts: number[] = [];
  for (const row of folded) {
    const contribution = await findContribution(tx, row.task_id);
    const members = contribution ? contribution.receipts - contribution.audits.length : 1;
    counts.push(Math.max(1, Math.floor(members * (contribution ? (row.covered ?? 1) : 1))));
  }
  return counts;
}

/** The claims behind a contribution's aggregate, without the audited ones. */
export async function membersOf(tx: Queryable, { task_id }: Pick<SubmissionRow, 'task_id'>) {
  const audits = (await findContribution(tx, task_id))?.audits ?? [];
  const claims = (await receiptsOf(tx, task_id)).map(({ claim }) => claim);
  return claims.filter(({ submissionId }) => !audits.includes(submissionId));
}

async function passedAudits(tx: Queryable, taskId: string, audits: readonly string[]): Promise<number> {
  const [row] = await tx.query<{ n: number }>(
    `SELECT COUNT(*) AS n FROM submissions WHERE submission_id = ANY($1) AND status = 'accepted'`,
    [audits.map((id) => storedIds(taskId, id).submissionId)],
  );
  return row?.n ?? 0;
}

const REASONS = {
  AUDIT_FAILED: 'None of the audited submissions of the region was found to be what its receipt says.',
  CONTRIBUTION_OVERSTATED: 'The region states far larger gains than its contribution shows here.',
} as const;

function refusalFor(
  { gain_nats: gain, error_nats: error }: SubmissionRow,
  { statedNats, factor }: { statedNats: number; factor: number },
): keyof typeof REASONS | undefined {
  if (factor === 0) return 'AUDIT_FAILED';
  const most = OVERSTATED.factor * (gain ?? 0) + OVERSTATED.errors * (error ?? 0);
  return statedNats > most ? 'CONTRIBUTION_OVERSTATED' : undefined;
}
