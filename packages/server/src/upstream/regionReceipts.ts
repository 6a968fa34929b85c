/**
 * @file What an upstream keeps of its regions, as stored: the signed receipts behind a contribution, and the commitment that
 * closes their list. One device of one address is counted once a round, whoever names it. SQL only.
 */
import type { RegionReceipt } from '@alice/protocol';
import type { Queryable } from '../database/Database.js';

export interface Contribution {
  readonly task_id: string;
  /** How many receipts the region committed to. */
  readonly receipts: number;
  /** Submission ids, the region's own, that travel up whole. */
  readonly audits: readonly string[];
}

export async function findContribution(db: Queryable, taskId: string): Promise<Contribution | undefined> {
  const [row] = await db.query<Contribution>('SELECT * FROM contributions WHERE task_id = $1', [taskId]);
  return row;
}

export async function insertContribution(db: Queryable, row: Contribution): Promise<void> {
  await db.query('INSERT INTO contributions (task_id, receipts, audits) VALUES ($1, $2, $3)', [
    row.task_id,
    row.receipts,
    JSON.stringify(row.audits),
  ]);
}

/** In the order of their ids. */
export async function receiptsOf(db: Queryable, taskId: string): Promise<RegionReceipt[]> {
  const rows = await db.query<{ receipt: RegionReceipt }>(
    'SELECT receipt FROM region_receipts WHERE task_id = $1 ORDER BY submission_id',
    [taskId],
  );
  return rows.map(({ receipt }) => receipt);
}

export async function countReceipts(db: Queryable, taskId: string): Promise<number> {
  const [row] = await db.query<{ n: number }>(
    'SELECT COUNT(*) AS n FROM region_receipts WHERE task_id = $1',
    [taskId],
  );
  return row?.n ?? 0;
}

export async function insertReceipt(db: Queryable, taskId: string, receipt: RegionReceipt): Promise<void> {
  const { submissionId, address, instance, round } = receipt.claim;
  await db.query(
    `INSERT INTO region_receipts (task_id, submission_id, address, instance, round, receipt)
     VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (task_id, submission_id) DO NOTHING`,
    [taskId, submissionId, address, instance, round, JSON.stringify(receipt)],
  );
}

/** Whether the device has another receipt in that round that counts, or works for this server itself. */
export async function isCountedElsewhere(
  db: Queryable,
  taskId: string,
  { claim: { submissionId, address, instance, round } }: RegionReceipt,
): Promise<boolean> {
  const rows = await db.query(
    `SELECT 1 FROM region_receipts AS r WHERE address = $1 AND instance = $2 AND round = $3
       AND ((task_id = $4 AND submission_id <> $5)
         OR (task_id <> $4 AND EXISTS (SELECT 1 FROM contributions AS c WHERE c.task_id = r.task_id)))
     UNION ALL SELECT 1 FROM tasks AS t WHERE address = $1 AND instance = $2 AND round = $3
       AND NOT EXISTS (SELECT 1 FROM contributions AS c WHERE c.task_id = t.region_task_id) LIMIT 1`,
    [address, instance, round, taskId, submissionId],
  );
  return rows.length > 0;
}
