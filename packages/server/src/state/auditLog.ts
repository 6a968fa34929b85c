/** @file What an operator wants to be able to look up later: who was let in, banned, or tried what. Rows are never changed. */
import type { Queryable } from '../database/Database.js';

export interface AuditEntry {
  /** `register`, `register.refused`, `ban`, `unban`, `token.revoked`. */
  readonly action: string;
  /** An address, where there is one. */
  readonly subject: string | null;
  /** Facts without secrets. */
  readonly details: Readonly<Record<string, string | number>>;
}

export async function audit(db: Queryable, atMs: number, entry: AuditEntry): Promise<void> {
  await db.query('INSERT INTO audit_log (at_ms, action, subject, details) VALUES ($1, $2, $3, $4)', [
    atMs,
    entry.action,
    entry.subject,
    JSON.stringify(entry.details),
  ]);
}

/** The latest entries, newest first. */
export function auditEntries(db: Queryable, limit: number): Promise<(AuditEntry & { at_ms: number })[]> {
  return db.query('SELECT at_ms, action, subject, details FROM audit_log ORDER BY entry DESC LIMIT $1', [
    limit,
  ]);
}
