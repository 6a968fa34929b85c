/** @file Registrations under way: a challenge with what was asked for, until it is answered or a minute old. */
import type { ChallengeRequest } from '@alice/protocol';
import type { Queryable } from '../database/Database.js';

export interface OpenChallenge {
  readonly request: ChallengeRequest;
  readonly expiresAtMs: number;
}

export async function saveChallenge(
  db: Queryable,
  challenge: string,
  { request, expiresAtMs }: OpenChallenge,
): Promise<void> {
  await db.query('INSERT INTO challenges (challenge, request, expires_ms) VALUES ($1, $2, $3)', [
    challenge,
    JSON.stringify(request),
    expiresAtMs,
  ]);
}

/** Removes and returns it: of two answers at the same time, one finds it. */
export async function takeChallenge(db: Queryable, challenge: string): Promise<OpenChallenge | undefined> {
  const [row] = await db.query<{ request: ChallengeRequest; expires_ms: number }>(
    'DELETE FROM challenges WHERE challenge = $1 RETURNING request, expires_ms',
    [challenge],
  );
  return row && { request: row.request, expiresAtMs: row.expires_ms };
}

/** Counts at most `limit`. */
export async function countChallenges(db: Queryable, limit: number): Promise<number> {
  const [row] = await db.query<{ n: number }>(
    'SELECT COUNT(*) AS n FROM (SELECT 1 FROM challenges LIMIT $1) AS counted',
    [limit],
  );
  return row?.n ?? 0;
}

export async function dropOldChallenges(db: Queryable, nowMs: number): Promise<void> {
  await db.query('DELETE FROM challenges WHERE expires_ms <= $1', [nowMs]);
}
