/**
 * @file Signs and stores a receipt for every judged submission: refused work at once, accepted work when it is merged. A
 * stored receipt never changes; it is shown when its rows are no secret any more. What a kill leaves out, the next step
 * does.
 */
import { receiptMessage, toHex } from '@alice/protocol';
import type { ServerContext } from '../context.js';
import type { SubmissionRow } from '../state/submissions.js';
import { type BuiltReceipt, buildReceipt } from './buildReceipt.js';

const AT_ONCE = 500;

/** Returns how many it signed. */
export async function issueReceipts(context: ServerContext): Promise<number> {
  const { db } = context;
  let signed = 0;
  for (let found = AT_ONCE; found === AT_ONCE; signed += found) {
    const rows = await db.query<SubmissionRow>(
      `SELECT * FROM submissions WHERE NOT has_receipt AND (stage = 'merged' OR status = 'refused')
       ORDER BY sequence LIMIT $1`,
      [AT_ONCE],
    );
    for (const row of rows) await store(context, row, await buildReceipt(context, db, row));
    found = rows.length;
  }
  return signed;
}

async function store(
  { db, options }: ServerContext,
  row: SubmissionRow,
  { receipt, publicVersion }: BuiltReceipt,
): Promise<void> {
  const signature = toHex(options.serverKey.sign(receiptMessage(receipt)));
  await db.transaction(async (tx) => {
    await tx.query(
      `INSERT INTO receipts (submission_id, address, sequence, receipt, signature, public_version)
       VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (submission_id) DO NOTHING`,
      [row.submission_id, row.address, row.sequence, JSON.stringify(receipt), signature, publicVersion],
    );
    await tx.query('UPDATE submissions SET has_receipt = TRUE WHERE submission_id = $1', [row.submission_id]);
  });
}
