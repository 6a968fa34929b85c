/**
 * @file Signs and stores a receipt for every judged submission once its round is over and a newer version is out. Runs
 * after each round; what a kill leaves out is done after the next. A stored receipt never changes.
 */
import { type Receipt, receiptMessage, toHex } from '@alice/protocol';
import type { ServerContext } from '../context.js';
import type { SubmissionRow } from '../state/submissions.js';
import { latestVersion } from '../state/versions.js';
import { buildReceipt } from './buildReceipt.js';

const AT_ONCE = 500;

/** Returns how many it signed. */
export async function issueReceipts(context: ServerContext): Promise<number> {
  const { db, options } = context;
  const latest = (await latestVersion(db))!.version;
  const rows = await db.query<SubmissionRow>(
    `SELECT * FROM submissions WHERE NOT has_receipt AND version < $1 AND (stage = 'merged' OR status = 'refused')
     ORDER BY sequence LIMIT $2`,
    [latest, AT_ONCE],
  );
  let signed = 0;
  for (const row of rows) {
    const receipt = await buildReceipt(context, db, { row, latest });
    if (receipt === null) continue;
    const signature = toHex(options.serverKey.sign(receiptMessage(receipt)));
    await store(context, { row, receipt, signature });
    signed++;
  }
  return signed;
}

async function store(
  { db }: ServerContext,
  { row, receipt, signature }: { row: SubmissionRow; receipt: Receipt; signature: string },
): Promise<void> {
  await db.transaction(async (tx) => {
    await tx.query(
      `INSERT INTO receipts (submission_id, address, sequence, receipt, signature) VALUES ($1, $2, $3, $4, $5)
       ON CONFLICT (submission_id) DO NOTHING`,
      [row.submission_id, row.address, row.sequence, JSON.stringify(receipt), signature],
    );
    await tx.query('UPDATE submissions SET has_receipt = TRUE WHERE submission_id = $1', [row.submission_id]);
  });
}
