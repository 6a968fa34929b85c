/**
 * @file Signs and stores a receipt for every judged submission: refused work at once, accepted work when it is merged. A
 * stored receipt never changes; it is shown when its rows are no secret any more. What a kill leaves out, the next step
 * does.
 */
import { setImmediate } from 'node:timers/promises';
import { receiptMessage, toHex } from '@alice/protocol';
import type { ServerContext } from '../context.js';
import type { SubmissionRow } from '../state/submissions.js';
import { buildReceipts } from './buildReceipt.js';

/** In one transaction. Others wait for the database meanwhile. */
const AT_ONCE = 32;

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
    if (rows.length > 0) await store(context, rows);
    found = rows.length;
  }
  return signed;
}

async function store(context: ServerContext, rows: readonly SubmissionRow[]): Promise<void> {
  const { db, options } = context;
  const stored: Record<string, unknown>[] = [];
  for (const [i, { receipt, publicVersion }] of (await buildReceipts(context, db, rows)).entries()) {
    const { submission_id, address, sequence } = rows[i]!;
    const signature = toHex(options.serverKey.sign(receiptMessage(receipt)));
    stored.push({ submission_id, address, sequence, receipt, signature, public_version: publicVersion });
    await setImmediate(); // requests come between two signatures
  }
  await db.transaction(async (tx) => {
    await tx.query(
      `INSERT INTO receipts (submission_id, address, sequence, receipt, signature, public_version)
       SELECT submission_id, address, sequence, receipt, signature, public_version
       FROM jsonb_populate_recordset(NULL::receipts, $1::jsonb) ON CONFLICT (submission_id) DO NOTHING`,
      [JSON.stringify(stored)],
    );
    await tx.query('UPDATE submissions SET has_receipt = TRUE WHERE submission_id = ANY($1)', [
      rows.map(({ submission_id }) => submission_id),
    ]);
  });
}
