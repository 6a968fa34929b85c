/**
 * @file The first two steps of a contribution at the upstream: receipts are held as they come, then the region commits to
 * them and learns which submissions travel up whole. Both may be repeated; nothing is added after the commitment.
 */
import type { RegionReceipt } from '@alice/protocol';
import type { ServerContext } from '../context.js';
import type { BanList } from '../defence/BanList.js';
import { ServerError } from '../errors.js';
import type { Member } from '../state/members.js';
import { closeTask, findTask, type TaskRow } from '../state/tasks.js';
import { checkReceipt } from './checkReceipt.js';
import { drawAudits } from './drawAudits.js';
import {
  countReceipts,
  findContribution,
  insertContribution,
  insertReceipt,
  isCountedElsewhere,
  receiptsOf,
} from './regionReceipts.js';

export interface RegionCall {
  readonly member: Member;
  readonly taskId: string;
}

/** Throws `ROLE_FORBIDDEN`, `TASK_UNKNOWN`, `TASK_EXPIRED`, the codes of `checkReceipt`, `RECEIPT_TAKEN`, `BANNED`. */
export async function holdReceipts(
  context: ServerContext,
  bans: Pick<BanList, 'check'>,
  { receipts, ...call }: RegionCall & { readonly receipts: readonly RegionReceipt[] },
): Promise<{ held: number }> {
  const task = await regionTask(context, call);
  if (await findContribution(context.db, call.taskId)) return held(context, call.taskId);
  checkOpen(context, task);
  for (const receipt of receipts) {
    checkReceipt(context, task, receipt);
    await bans.check(receipt.claim.address, receipt.claim.rewardAddress);
  }
  await context.db.transaction(async (tx) => {
    for (const receipt of receipts) {
      if (await isCountedElsewhere(tx, call.taskId, receipt)) throw taken(receipt);
      await insertReceipt(tx, call.taskId, receipt);
    }
  });
  return held(context, call.taskId);
}

/** Throws the same for the task, and `BAD_REQUEST` when another number of receipts is held. */
export async function commitReceipts(
  context: ServerContext,
  { count, ...call }: RegionCall & { readonly count: number },
): Promise<{ audits: string[] }> {
  const task = await regionTask(context, call);
  const earlier = await findContribution(context.db, call.taskId);
  if (earlier) return { audits: [...earlier.audits] };
  checkOpen(context, task);
  const audits = await context.db.transaction(async (tx) => {
    const ids = (await receiptsOf(tx, call.taskId)).map(({ claim }) => claim.submissionId);
    if (ids.length !== count)
      throw new ServerError(
        { code: 'BAD_REQUEST', field: 'count' },
        `${ids.length} receipts are held, not ${count}: send all of them first`,
      );
    const drawn = drawAudits(context.secret, call.taskId, ids);
    await insertContribution(tx, { task_id: call.taskId, receipts: count, audits: drawn });
    if (count === 0) await closeTask(tx, call.taskId, 'expired'); // a region without work: nobody waits for it
    return drawn;
  });
  if (count === 0) context.nudge();
  return { audits };
}

/** The region's own task. Throws `ROLE_FORBIDDEN`, `TASK_UNKNOWN`. */
export async function regionTask(
  { db, options }: Pick<ServerContext, 'db' | 'options'>,
  { member, taskId }: RegionCall,
): Promise<TaskRow> {
  if (!options.regions?.includes(member.address))
    throw new ServerError(
      { code: 'ROLE_FORBIDDEN', role: 'region' },
      'this address is not on the list of regions of this server: ask its operator',
    );
  const task = await findTask(db, taskId, member);
  if (task) return task;
  throw new ServerError({ code: 'TASK_UNKNOWN' }, 'there is no such task for this region');
}

function checkOpen({ now }: Pick<ServerContext, 'now'>, { status, deadline_ms: deadlineMs }: TaskRow): void {
  if (status === 'open' && deadlineMs > now()) return;
  throw new ServerError({ code: 'TASK_EXPIRED', deadlineMs }, 'the time for this round is over');
}

async function held({ db }: ServerContext, taskId: string): Promise<{ held: number }> {
  return { held: await countReceipts(db, taskId) };
}

function taken({ claim: { submissionId, address, instance } }: RegionReceipt): ServerError {
  return new ServerError(
    { code: 'RECEIPT_TAKEN', submissionId },
    `${address}/${instance} is counted in this round already, here or in another region`,
  );
}
