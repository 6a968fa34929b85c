/**
 * @file What one node knows and every node shows: the chain as the settling node last saw it. Only on a shared database;
 * bigint travels as decimal text.
 */
import type { Health } from '../context.js';
import type { Queryable } from '../database/Database.js';

const KEY = 'health';
const BIGINTS = ['totalIssuancePlanck', 'genesisIssuancePlanck'] as const;

export async function saveHealth(db: Queryable, health: Health, nowMs: number): Promise<void> {
  const { lastScorerSeenMs: _, ...facts } = health;
  const value = JSON.stringify(facts, (_key, item) => (typeof item === 'bigint' ? item.toString() : item));
  await db.query(
    `INSERT INTO shared_facts (key, value, updated_ms) VALUES ($1, $2, $3)
     ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value, updated_ms = EXCLUDED.updated_ms`,
    [KEY, value, nowMs],
  );
}

/** Overwrites `health` with what the settling node stored, and the last sign of life of any scorer. */
export async function loadHealth(db: Queryable, health: Health): Promise<void> {
  const [row] = await db.query<{ value: Record<string, unknown> }>(
    'SELECT value FROM shared_facts WHERE key = $1',
    [KEY],
  );
  if (row) {
    const { balances, ...facts } = row.value as { balances: { planck: string }[] };
    const calm = { chainUnreachableSinceMs: undefined, epochMismatch: undefined, chainBehind: undefined };
    Object.assign(health, calm, facts);
    for (const name of BIGINTS) health[name] = BigInt(row.value[name] as string);
    health.balances = balances.map((entry) => ({ ...entry, planck: BigInt(entry.planck) })) as never;
  }
  const [seen] = await db.query<{ ms: number | null }>(
    `SELECT MAX(last_seen_ms) AS ms FROM members WHERE role = 'scorer'`,
  );
  health.lastScorerSeenMs = Math.max(health.lastScorerSeenMs, seen?.ms ?? 0);
}
