/**
 * @file The settlement clock (EPOCH-1): fixes a report in one transaction, then submits that same report until the
 * chain's counter has passed it, across crashes and outages. Work is marked paid by the transaction that fixes the
 * report, and the chain refuses an epoch number twice, so nothing is paid twice and nothing is lost. Whether a report
 * goes in one call or in pages is the port's business.
 */
import { MAX_EPOCH_ENTRIES, messageOf } from '@alice/protocol';
import type { ServerContext } from '../context.js';
import type { Queryable } from '../database/Database.js';
import type { ChainStatus } from '../ports.js';
import { receiptLeaves, receiptsRoot } from '../receipts/receiptTree.js';
import { type EpochRow, insertEpoch, lastEpoch, reportOf, settleEpoch } from '../state/epochs.js';
import type { SubmissionRow } from '../state/submissions.js';
import { findVersion, latestVersion } from '../state/versions.js';
import { epochReport, type UnpaidWork } from './epochReport.js';

/** Miners one report pays at most, which leaves room for scorers; work of the others waits for the next epoch. */
const MAX_PAID_ACCOUNTS = MAX_EPOCH_ENTRIES - 1_000;

/** One look at the chain and one step of the settlement. Never throws for a chain that does not answer. */
export async function stepEpoch(context: ServerContext): Promise<void> {
  const status = await readChain(context);
  if (!status) return;
  const last = await lastEpoch(context.db);
  noteBehind(context, status, last);
  // Only the last may be pending: none is fixed before it is settled.
  const pending = last?.status === 'pending' ? last : await fixIfDue(context, status, last);
  if (!pending) return;
  if (status.currentEpoch > pending.epoch) return finish(context, pending);
  try {
    await context.chain.submitEpoch(reportOf(pending));
  } catch (error) {
    context.log.warn('Epoch report not accepted yet; it is sent again', {
      epoch: pending.epoch,
      error: messageOf(error),
    });
    return;
  }
  const after = await readChain(context);
  if (after && after.currentEpoch > pending.epoch) await finish(context, pending);
}

/** What the chain's head says, noted for the status page; undefined while it does not answer. */
export async function readChain(context: ServerContext): Promise<ChainStatus | undefined> {
  const { health, chain, log } = context;
  try {
    const status = await chain.status();
    if (health.chainUnreachableSinceMs !== undefined) log.info('Chain answers again');
    health.chainUnreachableSinceMs = undefined;
    if (status.height !== health.chainHeight) context.changed();
    health.chainHeight = status.height;
    health.totalIssuancePlanck = status.totalIssuancePlanck;
    return status;
  } catch (error) {
    if (health.chainUnreachableSinceMs === undefined) {
      log.warn('Chain does not answer', { error: messageOf(error) });
      health.chainUnreachableSinceMs = context.now();
      context.changed();
    }
    return undefined;
  }
}

/**
 * A chain that was lost or put back from a backup lacks epochs that were settled on it: nobody is paid until it has
 * passed them, which a person must know. A node that still catches up looks the same, and the alarm ends with it.
 */
function noteBehind(
  { health, log, now, changed }: ServerContext,
  { currentEpoch }: ChainStatus,
  last: EpochRow | undefined,
): void {
  const expected = last === undefined ? 0 : last.epoch + (last.status === 'settled' ? 1 : 0);
  if (currentEpoch >= expected) {
    if (health.chainBehind !== undefined) changed();
    health.chainBehind = undefined;
    return;
  }
  if (health.chainBehind?.epoch === currentEpoch) return;
  log.warn('The chain lacks epochs that this server settled on it', { epoch: currentEpoch, expected });
  health.chainBehind = { epoch: currentEpoch, expected, sinceMs: health.chainBehind?.sinceMs ?? now() };
  changed();
}

/** Fixes the next report when its time has come and there is something to pay. */
async function fixIfDue(
  context: ServerContext,
  { currentEpoch }: ChainStatus,
  last: EpochRow | undefined,
): Promise<EpochRow | undefined> {
  const { db, options, blobs } = context;
  const nowMs = context.now();
  const sinceMs = last?.fixed_ms ?? (await findVersion(db, 0))?.created_ms;
  // Without a version the aggregator is still starting.
  if (sinceMs === undefined || Math.abs(nowMs - sinceMs) < options.epochMs) return undefined; // a clock may be set back
  if (last && currentEpoch <= last.epoch) return undefined; // the chain is behind what it settled: wait for it
  const report = await db.transaction(async (tx) => {
    const submissions = payable(
      await tx.query<SubmissionRow>(
        `SELECT * FROM submissions WHERE stage = 'merged' AND epoch IS NULL AND score > 0 AND has_receipt
         ORDER BY sequence`,
      ),
    );
    const ids = submissions.map((row) => row.submission_id);
    const leaves = await receiptLeaves(tx, ids);
    const work: UnpaidWork = {
      epoch: currentEpoch,
      fromVersion: last?.report.toVersion ?? 0,
      latest: (await latestVersion(tx))!,
      submissions,
      receiptsRoot: receiptsRoot(leaves),
      scorers: await unpaidScorers(tx),
      server: options.serverKey.address,
    };
    const fixed = epochReport(work);
    if (!fixed) return undefined;
    const receipts = await blobs.put(leaves);
    await tx.query('UPDATE submissions SET epoch = $1 WHERE submission_id = ANY($2)', [fixed.epoch, ids]);
    await tx.query('UPDATE scorer_work SET unpaid_rows = 0 WHERE reward_address = ANY($1)', [
      work.scorers.map((row) => row.reward_address),
    ]);
    await insertEpoch(tx, fixed, { receiptsHash: receipts.hash, nowMs });
    return fixed;
  });
  if (!report) return undefined;
  context.log.info('Epoch fixed', {
    epoch: report.epoch,
    accounts: report.scores.length,
    toVersion: report.toVersion,
  });
  return lastEpoch(db);
}

/** Locked: rows scored while the report is being fixed are paid by the next one. */
function unpaidScorers(tx: Queryable): Promise<UnpaidWork['scorers'][number][]> {
  return tx.query('SELECT reward_address, unpaid_rows FROM scorer_work WHERE unpaid_rows > 0 FOR UPDATE');
}

/** All work of at most so many accounts, those with the oldest unpaid work first. */
function payable(rows: readonly SubmissionRow[]): SubmissionRow[] {
  const accounts = new Set<string>();
  for (const { reward_address } of rows) if (accounts.size < MAX_PAID_ACCOUNTS) accounts.add(reward_address);
  return rows.filter((row) => accounts.has(row.reward_address));
}

async function finish(context: ServerContext, pending: EpochRow): Promise<void> {
  const { chain, db, log, health } = context;
  const settled = await chain.epoch(pending.epoch);
  if (!settled) return; // the reads were not of one block: next time
  const payouts = await chain.payouts(pending.epoch);
  await settleEpoch(db, settled, payouts);
  if (settled.receiptsRoot !== pending.report.receiptsRoot) {
    log.error('The chain settled another report for this epoch', { epoch: pending.epoch });
    health.epochMismatch = { epoch: pending.epoch, sinceMs: context.now() };
  }
  log.info('Epoch settled', {
    epoch: pending.epoch,
    mintedPlanck: settled.mintedPlanck,
    payouts: payouts.length,
  });
  context.changed();
}
