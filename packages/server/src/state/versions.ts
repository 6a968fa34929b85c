/**
 * @file Published model versions as stored, and the message made from a row. `master` is the FP32 vector the next
 * outer step starts from; it never leaves the server.
 */
import type { HashHex, VersionManifest } from '@alice/protocol';
import type { BlobRef } from '../blobs/BlobStore.js';
import type { Queryable } from '../database/Database.js';

export interface Snapshot {
  readonly sizeBytes: number;
  readonly chunkBytes: number;
  readonly chunks: BlobRef[];
}

export interface VersionRow {
  readonly version: number;
  readonly state_root: HashHex;
  readonly parent_state_root: HashHex | null;
  readonly created_ms: number;
  readonly master: BlobRef | null;
  readonly snapshot: Snapshot | null;
  readonly set_delta: BlobRef | null;
  readonly loss_nats: number | null;
  readonly loss_error_nats: number | null;
  readonly trained_tokens: number;
  readonly uplink_bytes: number;
  readonly accepted: number;
  readonly signature: string;
}

export async function insertVersion(db: Queryable, row: VersionRow): Promise<void> {
  await db.query(
    `INSERT INTO versions (version, state_root, parent_state_root, created_ms, master, snapshot, set_delta, loss_nats,
       loss_error_nats, trained_tokens, uplink_bytes, accepted, signature)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
    [
      row.version,
      row.state_root,
      row.parent_state_root,
      row.created_ms,
      JSON.stringify(row.master),
      JSON.stringify(row.snapshot),
      row.set_delta && JSON.stringify(row.set_delta),
      row.loss_nats,
      row.loss_error_nats,
      row.trained_tokens,
      row.uplink_bytes,
      row.accepted,
      row.signature,
    ],
  );
}

export async function latestVersion(db: Queryable): Promise<VersionRow | undefined> {
  const [row] = await db.query<VersionRow>('SELECT * FROM versions ORDER BY version DESC LIMIT 1');
  return row;
}

/** Its number alone, which costs less than its row. */
export async function latestVersionNumber(db: Queryable): Promise<number> {
  const [row] = await db.query<{ version: number }>('SELECT MAX(version) AS version FROM versions');
  return row!.version;
}

/** What the current round starts from. */
export async function baseOfCurrentRound(db: Queryable): Promise<VersionRow> {
  const [row] = await db.query<VersionRow>(
    'SELECT * FROM versions WHERE version = (SELECT version FROM rounds ORDER BY round DESC LIMIT 1)',
  );
  return row!;
}

export async function findVersion(db: Queryable, version: number): Promise<VersionRow | undefined> {
  const [row] = await db.query<VersionRow>('SELECT * FROM versions WHERE version = $1', [version]);
  return row;
}

export async function setHeldOutLoss(
  db: Queryable,
  version: number,
  loss: { mean: number; error: number },
): Promise<void> {
  await db.query('UPDATE versions SET loss_nats = $2, loss_error_nats = $3 WHERE version = $1', [
    version,
    loss.mean,
    loss.error,
  ]);
}

export function manifestOf(row: VersionRow): VersionManifest {
  return {
    version: row.version,
    stateRoot: row.state_root,
    parentStateRoot: row.parent_state_root,
    createdAtMs: row.created_ms,
    snapshot: row.snapshot,
    setDelta: row.set_delta,
    heldOutLossNats: row.loss_nats,
    standardErrorNats: row.loss_error_nats,
    trainedTokens: row.trained_tokens,
    uplinkBytes: row.uplink_bytes,
    acceptedSubmissions: row.accepted,
    signature: row.signature,
  };
}
