/**
 * @file The region's way up: receipts a few at a time and the commitment, then the audited submissions whole and the mean of
 * the others. Each call may be repeated after a crash or a lost answer; the upstream counts it once.
 */
import { type HashHex, type HexString, isServerCallError, RECEIPTS_AT_ONCE } from '@alice/protocol';
import type { ServerContext } from '../context.js';
import type { SubmissionRow } from '../state/submissions.js';
import { acceptedIn } from './closeRegionRound.js';
import type { RegionFold } from './foldRegion.js';
import { receiptsOf } from './regionReceipts.js';
import { lastResidual, moveRegionRound, type RegionRound } from './regionRounds.js';
import type { UpstreamLink } from './UpstreamLink.js';

/** Throws the upstream's refusals. */
export async function commitUpstream(
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
  { db, compute, options: { training } }: ServerContext,
  { round, ticket, blob, residual }: RegionRound,
  members: readonly SubmissionRow[],
): Promise<RegionFold> {
  if (blob && residual) return { blob, residual };
  const mean = (of: (row: SubmissionRow) => number): number =>
    Math.floor(members.reduce((sum, row) => sum + of(row), 0) / members.length);
  const fold = await compute.foldRegion({
    header: {
      taskId: ticket.taskId as HexString,
      nonce: ticket.nonce as HexString,
      stateRoot: ticket.stateRoot as HashHex,
      baseVersion: ticket.version,
      innerSteps: Math.max(...members.map(({ steps }) => steps)),
      tokens: mean(({ tokens }) => tokens),
      meanTrainingLossNats: 0,
    },
    submissions: members.map((row) => row.blob_hash),
    rule: {
      rule: training.aggregation,
      clip: training.clipToMedianNorm,
      groups: training.aggregationGroups,
    },
    settings: training,
    residual: (await lastResidual(db))?.hash ?? null,
  });
  await moveRegionRound(db, round, { stage: 'committed', ...fold });
  return fold;
}

/** The answer to an upload whose first answer was lost is `NONCE_USED` for identical bytes: it was received. */
async function submitOnce(client: UpstreamLink['client'], taskId: string, bytes: Uint8Array): Promise<void> {
  try {
    await client.submit(taskId, bytes);
  } catch (error) {
    const isRepeated =
      isServerCallError(error) &&
      error.info.code === 'SERVER_REFUSED' &&
      error.info.refusal === 'NONCE_USED' &&
      error.info.detail['identical'] === true;
    if (!isRepeated) throw error;
  }
}
