/**
 * @file Moves a regional server's round a step on: a task of the upstream opens it, the region's miners work and are judged
 * here, then receipts and the contribution go up and the upstream's credits come back. Cut off from the upstream it goes
 * on with the round it has, waits where it must, and says so. Each step is stored before the next begins.
 */
import { hashJson, type Task } from '@alice/protocol';
import type { ServerContext } from '../context.js';
import { ServerError } from '../errors.js';
import { setRoundStatus } from '../state/rounds.js';
import { waitingFor } from '../state/submissions.js';
import { tasksOfRound } from '../state/tasks.js';
import { taskSettings } from '../tasks/issueTask.js';
import { closeRegionRound, refuseLate } from './closeRegionRound.js';
import type { VersionFollower } from './followVersions.js';
import { lastRegionRound, openRegionRound, type RegionRound } from './regionRounds.js';
import { isRegionDue } from './regionVerdict.js';
import { commitUpstream, sendUpstream } from './sendContribution.js';
import { giveUp, takeCredits } from './takeCredits.js';
import { finalRefusal, isAway, noteReach, type UpstreamLink } from './UpstreamLink.js';

export interface RegionParts {
  readonly link: UpstreamLink;
  readonly versions: VersionFollower;
}

/** A miner that has not asked for so long is not waited for. */
const PRESENT_MS = 30_000;

/** Returns whether the round moved; call again until it does not. */
export async function advanceRegion(context: ServerContext, parts: RegionParts): Promise<boolean> {
  const row = await lastRegionRound(context.db);
  try {
    const hasMoved = await step(context, parts, row);
    if (row?.stage !== 'open') noteReach(context); // an open round does not ask the upstream
    return hasMoved;
  } catch (error) {
    const code = finalRefusal(error);
    if (code !== undefined && row && isUnderway(row)) {
      await giveUp(context, row.round, code);
      return true;
    }
    if (!isAway(error)) throw error;
    noteReach(context, error);
    return false;
  }
}

async function step(
  context: ServerContext,
  { link, versions }: RegionParts,
  row: RegionRound | undefined,
): Promise<boolean> {
  switch (row?.stage) {
    case 'open':
      if (!(await isDue(context, row))) return false;
      await closeRegionRound(context, row);
      return true;
    case 'fixed':
      await commitUpstream(context, link, row);
      return true;
    case 'committed':
      await sendUpstream(context, link, row);
      return true;
    case 'sent':
      return takeCredits(context, link, row);
    default:
      return openNext(context, { link, versions }, row);
  }
}

const isUnderway = ({ stage }: RegionRound): boolean =>
  stage === 'fixed' || stage === 'committed' || stage === 'sent';

async function isDue({ db, now }: ServerContext, { round, closes_ms }: RegionRound): Promise<boolean> {
  const { open } = await tasksOfRound(db, round);
  const { queued, accepted, refused } = await waitingFor(db, round);
  const [row] = await db.query<{ n: number }>(
    `SELECT COUNT(*) AS n FROM members AS m WHERE role = 'miner' AND last_seen_ms > $1 AND NOT EXISTS (
       SELECT 1 FROM submissions AS s WHERE s.address = m.address AND s.instance = m.instance AND s.round = $2)`,
    [now() - PRESENT_MS, round],
  );
  const decided = accepted + refused;
  const facts = { nowMs: now(), closesMs: closes_ms, openTasks: open, queued, decided };
  return isRegionDue({ ...facts, expected: row?.n ?? 0 });
}

async function openNext(
  context: ServerContext,
  { link: { client }, versions }: RegionParts,
  last: RegionRound | undefined,
): Promise<boolean> {
  const { offer: ticket } = await client.nextTask(0);
  if (!ticket || ticket.taskId === last?.ticket.taskId) {
    await versions.follow(await client.latestVersion());
    return false;
  }
  checkSettings(context, ticket);
  await versions.follow(await client.version(ticket.version));
  await client.network(); // what its clock says
  await openRound(context, ticket, closingTime(context, ticket, client.serverNowMs()));
  context.waiting.tasks.wake();
  context.log.info('Round of the region opened', { round: ticket.round, version: ticket.version });
  return false;
}

/** Work of other settings than the upstream's would be judged by other rules. */
function checkSettings({ options: { training } }: ServerContext, { version, settings }: Task): void {
  const own = taskSettings(training, version * training.innerSteps);
  const [expected, actual] = [hashJson(settings), hashJson(own)];
  if (expected === actual) return;
  throw new ServerError(
    { code: 'UPSTREAM_MISMATCH', field: 'settings', expected, actual },
    'the upstream trains with other settings: run the same release, with the same preset and protocol',
  );
}

/** Early enough to fold and to send. */
function closingTime({ now, options }: ServerContext, { deadlineMs }: Task, upstreamNowMs: number): number {
  return now() + (deadlineMs - upstreamNowMs) - options.round.uploadMs;
}

async function openRound({ db, now }: ServerContext, ticket: Task, closesMs: number): Promise<void> {
  const { round, version } = ticket;
  await db.transaction(async (tx) => {
    await refuseLate(tx);
    await tx.query(
      `INSERT INTO rounds (round, version, status, opened_ms) VALUES ($1, $2, 'open', $3)
       ON CONFLICT (round) DO UPDATE SET version = EXCLUDED.version`,
      [round, version, now()],
    );
    await setRoundStatus(tx, round, { status: 'open' });
    await openRegionRound(tx, { ticket, closesMs });
  });
}
