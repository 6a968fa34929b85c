/**
 * @file The region's way up: receipts a few at a time and the commitment, then the audited submissions whole and the mean of
 * the others. Each call may be repeated after a crash or a lost answer; the upstream counts it once.
 */
import { headerForTask, isServerCallError, RECEIPTS_AT_ONCE } from '@alice/protocol';
import type { ServerContext } from '../context.js';
import { refuseFolded } from '../rounds/rollBackRound.js';
import type { SubmissionRow } from '../state/submissions.js';
import { acceptedIn } from './closeRegionRound.js';
import type { RegionFold } from './foldRegion.js';
import { receiptsOf } from './regionReceipts.js';
import { lastResidual, moveRegionRound, type RegionRound } from './regionRounds.js';
import type { UpstreamLink } from './UpstreamLink.js';

/** Throws the upstream's refusals; one that is about a single miner costs that miner its round, and nobody else. */
export async function commitUpstream(
  context: ServerContext,
  link: UpstreamLink,
  row: RegionRound,
): Promise<void> {
  for (;;)
    try {
      return await commitAll(context, link, row);
    } catch (error) {
      if (!(await dropNamed(context, row, error))) throw error;
    }
}

async function commitAll(
  { db, log }: ServerContext,
  { client }: UpstreamLink,
  { round, ticket: { taskId } }: RegionRound,
): Promise<void> {
  const params = { taskId };
  const receipts = await receiptsOf(db, taskId);
  for (let at = 0; at < receipts.length; at += RECEIPTS_AT_ONCE)
    await client.call('regionReceipts', {
      params,
      body: { receipts: receipts.slice(at, at + RECEIPTS_AT_ONCE) },
    });
  const { audits } = await client.call('regionCommit', { params, body: { count: receipts.length } });
  await moveRegionRound(db, round, { stage: 'committed', audits });
  log.debug('Committed to the upstream', { round, receipts: receipts.length, audits: audits.length });
}

/** Refusals of one receipt: the miner works elsewhere too, or is banned there. */
const ABOUT_ONE: ReadonlySet<string> = new Set(['RECEIPT_TAKEN', 'RECEIPT_MINER_UNKNOWN', 'BANNED']);

/** Takes the receipts out that a refusal names; whether there were any. */
async function dropNamed(
  { db, log }: ServerContext,
  { round, ticket: { taskId } }: RegionRound,
  error: unknown,
): Promise<boolean> {
  if (!isServerCallError(error) || error.info.code !== 'SERVER_REFUSED') return false;
  const { refusal: code, detail } = error.info;
  if (!ABOUT_ONE.has(code)) return false;
  return db.transaction(async (tx) => {
    const named = (await receiptsOf(tx, taskId))
      .map(({ claim }) => claim)
      .filter(
        ({ submissionId, address, rewardAddress }) =>
          submissionId === detail['submissionId'] ||
          [address, rewardAddress].includes(detail['address'] as string),
      )
      .map(({ submissionId }) => submissionId);
    const rows = (await acceptedIn(tx, round)).filter(({ submission_id }) => named.includes(submission_id));
    await refuseFolded(tx, rows, { code, reason: `The upstream does not count this miner: ${code}.` });
    await tx.query('DELETE FROM region_receipts WHERE task_id = $1 AND submission_id = ANY($2)', [
      taskId,
      named,
    ]);
    log.warn('Receipts taken out', { round, code, receipts: named.length });
    return named.length > 0;
  });
}

/** Throws the upstream's refusals. */
export async function sendUpstream(
  context: ServerContext,
  { client }: UpstreamLink,
  row: RegionRound,
): Promise<void> {
  const { db, blobs, log } = context;
  const { round, ticket } = row;
  const { taskId } = ticket;
  const rows = await acceptedIn(db, round);
  const audits = row.audits ?? [];
  for (const submissionId of audits) {
    const { blob_hash } = rows.find((found) => found.submission_id === submissionId)!;
    await client.call('regionAudit', { params: { taskId, submissionId }, body: await blobs.get(blob_hash) });
  }
  const members = rows.filter(({ submission_id }) => !audits.includes(submission_id));
  if (members.length > 0) {
    const fold = await foldOnce(context, row, members);
    await submitOnce(client, taskId, await blobs.get(fold.blob.hash));
  }
  await moveRegionRound(db, round, { stage: 'sent' });
  log.info('Contribution sent', { round, members: members.length, audits: audits.length });
}

/** What was folded before a crash is not folded anew, so the very same bytes are sent again. */
async function foldOnce(
  { db, compute, log, options: { training } }: ServerContext,
  { round, ticket, blob, residual }: RegionRound,
  members: readonly SubmissionRow[],
): Promise<RegionFold> {
  if (blob && residual) return { blob, residual };
  const mean = (of: (row: SubmissionRow) => number): number =>
    Math.floor(members.reduce((sum, row) => sum + of(row), 0) / members.length);
  const { lostResidual, ...fold } = await compute.foldRegion({
    header: headerForTask(ticket, {
      innerSteps: Math.max(...members.map(({ steps }) => steps)),
      tokens: mean(({ tokens }) => tokens),
      meanTrainingLossNats: 0,
    }),
    submissions: members.map((row) => ({
      blobHash: row.blob_hash,
      verifiedTokens: row.verified_tokens ?? row.tokens,
    })),
    rule: {
      rule: training.aggregation,
      clip: training.clipToMedianNorm,
      groups: training.aggregationGroups,
    },
    settings: training,
    residual: (await lastResidual(db))?.hash ?? null,
  });
  if (lostResidual !== undefined)
    log.warn('What the last contribution left out is lost', { round, code: lostResidual });
  await moveRegionRound(db, round, { stage: 'committed', ...fold });
  return fold;
}

/** The answer to an upload whose first answer was lost is `NONCE_USED` for identical bytes: it was received. */
async function submitOnce(client: UpstreamLink['client'], taskId: string, bytes: Uint8Array): Promise<void> {
  try {
    await client.submit(taskId, bytes, { mayHaveBegun: true });
  } catch (error) {
    const isRepeated =
      isServerCallError(error) &&
      error.info.code === 'SERVER_REFUSED' &&
      error.info.refusal === 'NONCE_USED' &&
      error.info.detail['identical'] === true;
    if (!isRepeated) throw error;
  }
}
