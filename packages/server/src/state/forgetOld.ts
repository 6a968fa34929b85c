/**
 * @file Rows that only grow in number are forgotten when they are old: entries of the audit log, and members who registered,
 * never sent anything and stayed away. Whoever has sent something keeps its row, and with it its counters and its rate.
 */
import type { Queryable } from '../database/Database.js';

const DAY_MS = 86_400_000;
const AUDIT_DAYS = 90;
const MEMBER_DAYS = 365;
/** At once, so that a step of the round stays short; the rest goes with the next rounds. */
const ROWS_AT_ONCE = 1_000;

export async function forgetOld(db: Queryable, nowMs: number): Promise<void> {
  // Entries are numbered as time goes, so that the oldest are found without reading all.
  await db.query(
    `DELETE FROM audit_log WHERE at_ms < $1 AND entry IN (SELECT entry FROM audit_log ORDER BY entry LIMIT $2)`,
    [nowMs - AUDIT_DAYS * DAY_MS, ROWS_AT_ONCE],
  );
  await db.query(
    `DELETE FROM members WHERE (address, instance, role) IN (
       SELECT address, instance, role FROM members AS m
       WHERE last_seen_ms < $1 AND accepted = 0 AND refused = 0 AND score = 0
         AND NOT EXISTS (SELECT 1 FROM submissions AS s WHERE s.address = m.address AND s.instance = m.instance)
       ORDER BY last_seen_ms LIMIT $2
     ) AND last_seen_ms < $1`,
    [nowMs - MEMBER_DAYS * DAY_MS, ROWS_AT_ONCE],
  );
}
