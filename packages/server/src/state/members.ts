/**
 * @file Who takes part: one row per (address, instance, role), and the access tokens they hold. Tokens are stored as
 * SHA-256 hashes, so the database never holds one that works.
 */
import type { Address, ClientRole, Device } from '@alice/protocol';
import type { Queryable } from '../database/Database.js';
import type { Decided } from './submissions.js';

export interface Member {
  readonly address: Address;
  readonly instance: string;
  readonly role: ClientRole;
  readonly rewardAddress: Address;
}

export interface MemberRow {
  readonly address: string;
  readonly instance: string;
  readonly role: string;
  readonly device: Device;
  readonly last_seen_ms: number;
  readonly accepted: number;
  readonly refused: number;
  readonly score: string;
}

export async function upsertMember(
  db: Queryable,
  member: Member,
  device: Device,
  nowMs: number,
): Promise<void> {
  await db.query(
    `INSERT INTO members (address, instance, role, reward_address, device, first_seen_ms, last_seen_ms)
     VALUES ($1, $2, $3, $4, $5, $6, $6)
     ON CONFLICT (address, instance, role) DO UPDATE
     SET reward_address = EXCLUDED.reward_address, device = EXCLUDED.device, last_seen_ms = EXCLUDED.last_seen_ms`,
    [member.address, member.instance, member.role, member.rewardAddress, JSON.stringify(device), nowMs],
  );
}

/** Until the end of the transaction nobody else works on these devices' tasks. All lock in one order. */
export async function lockMembers(tx: Queryable, members: readonly Member[]): Promise<void> {
  await tx.query(
    `SELECT pg_advisory_xact_lock(1, key)
     FROM (SELECT DISTINCT hashtext(device) AS key FROM unnest($1::text[]) AS device ORDER BY key) AS keys`,
    [members.map(({ address, instance }) => `${address}/${instance}`)],
  );
}

/** Instances an address has registered, this one left out. */
export async function otherInstances(db: Queryable, address: string, instance: string): Promise<number> {
  const [row] = await db.query<{ n: number }>(
    'SELECT COUNT(DISTINCT instance) AS n FROM members WHERE address = $1 AND instance <> $2',
    [address, instance],
  );
  return row?.n ?? 0;
}

export async function touchMembers(db: Queryable, members: readonly Member[], nowMs: number): Promise<void> {
  await db.query(
    `UPDATE members SET last_seen_ms = $4
     WHERE (address, instance, role) IN (SELECT * FROM unnest($1::text[], $2::text[], $3::text[]))`,
    [
      members.map(({ address }) => address),
      members.map(({ instance }) => instance),
      members.map(({ role }) => role),
      nowMs,
    ],
  );
}

/** Counts decisions for the miners whose work they are about. */
export async function countDecisions(db: Queryable, decided: readonly Decided[]): Promise<void> {
  const counts = new Map<string, { address: string; instance: string; accepted: number; refused: number }>();
  for (const { address, instance, status } of decided) {
    const key = `${address}/${instance}`;
    const count = counts.get(key) ?? { address, instance, accepted: 0, refused: 0 };
    if (status === 'accepted') count.accepted++;
    else count.refused++;
    counts.set(key, count);
  }
  if (counts.size === 0) return;
  await db.query(
    `UPDATE members AS m SET accepted = m.accepted + v.accepted, refused = m.refused + v.refused
     FROM jsonb_to_recordset($1::jsonb) AS v(address TEXT, instance TEXT, accepted INTEGER, refused INTEGER)
     WHERE m.address = v.address AND m.instance = v.instance AND m.role = 'miner'`,
    [JSON.stringify([...counts.values()])],
  );
}

/** The most recently seen members, at most `limit`. */
export function recentMembers(db: Queryable, limit: number): Promise<MemberRow[]> {
  return db.query<MemberRow>('SELECT * FROM members ORDER BY last_seen_ms DESC, address, instance LIMIT $1', [
    limit,
  ]);
}

export interface TokenRow {
  readonly member: Member;
  readonly expiresMs: number;
}

export async function storeToken(
  db: Queryable,
  tokenHash: string,
  { member, expiresMs }: TokenRow,
): Promise<void> {
  await db.query(
    'INSERT INTO access_tokens (token_hash, address, instance, role, expires_ms) VALUES ($1, $2, $3, $4, $5)',
    [tokenHash, member.address, member.instance, member.role, expiresMs],
  );
}

/** Of each hash: whose token it is. */
export async function findTokens(
  db: Queryable,
  tokenHashes: readonly string[],
): Promise<(TokenRow | undefined)[]> {
  const rows = await db.query<{
    token_hash: string;
    address: Address;
    instance: string;
    role: ClientRole;
    reward_address: Address;
    expires_ms: number;
  }>(
    `SELECT t.token_hash, t.address, t.instance, t.role, m.reward_address, t.expires_ms
     FROM access_tokens t JOIN members m USING (address, instance, role) WHERE t.token_hash = ANY($1)`,
    [[...new Set(tokenHashes)]],
  );
  const found = new Map(
    rows.map(({ token_hash, address, instance, role, reward_address, expires_ms }): [string, TokenRow] => [
      token_hash,
      { member: { address, instance, role, rewardAddress: reward_address }, expiresMs: expires_ms },
    ]),
  );
  return tokenHashes.map((hash) => found.get(hash));
}

export async function dropTokensOf(db: Queryable, { address, instance, role }: Member): Promise<void> {
  await db.query('DELETE FROM access_tokens WHERE address = $1 AND instance = $2 AND role = $3', [
    address,
    instance,
    role,
  ]);
}

export async function dropExpiredTokens(db: Queryable, nowMs: number): Promise<void> {
  await db.query('DELETE FROM access_tokens WHERE expires_ms <= $1', [nowMs]);
}
