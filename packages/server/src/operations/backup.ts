/**
 * @file Backup and restore: the database as rows in JSON lines, blobs as a folder of content-addressed files, so a second
 * backup into the same folder copies only what is new. It is read from one snapshot of the database, and it restores
 * into either kind of database and store, so it is also the way from one machine to many. Holds the server's secret:
 * keep it as safe as the server.
 */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { openBlobStore } from '../blobs/blobLocation.js';
import { REFERENCED } from '../blobs/collectGarbage.js';
import { type NewScratchFile, openScratchFolder } from '../compute/scratchFolder.js';
import { type Database, openDatabase, type Queryable } from '../database/Database.js';
import { migrations } from '../database/migrations.js';
import { lockDir } from '../dirLock.js';
import { ServerError } from '../errors.js';
import { closeToOthers, makePrivateFolder } from '../privateFolder.js';
import { readMeta } from '../state/meta.js';
import { copyBlob } from './copyBlob.js';

export interface StateLocation {
  /** Folder of the server; it must not be running there unless database and blobs are elsewhere. */
  readonly dir: string;
  readonly databaseUrl?: string | undefined;
  readonly blobs?: string | undefined;
}

export interface BackupSummary {
  readonly rows: number;
  readonly blobs: number;
  readonly blobsCopied: number;
  readonly latestVersion: number | null;
}

/** Hears how many blobs are done, and of how many. */
export type BlobListener = (done: number, total: number) => void;

interface Manifest extends BackupSummary {
  readonly format: 1;
  readonly migrations: number;
  readonly rowsSha256: string;
}

/** In an order in which nothing is missing. Challenges, tokens and leaders are of the moment and are left out. */
const TABLES = [
  'meta',
  'members',
  'versions',
  'rounds',
  'tasks',
  'submissions',
  'receipts',
  'jobs',
  'batches',
  'scorer_work',
  'epochs',
  'refusals',
  'bans',
  'audit_log',
  'contributions',
  'region_receipts',
  'consents',
  'region_rounds',
  'shared_facts',
  'submission_totals',
] as const;
const SEQUENCES = { submissions: 'sequence', jobs: 'sequence', audit_log: 'entry' } as const;
const PAGE = 500;
const ROWS = 'rows.jsonl';

/**
 * Writes a backup into `out`. Throws `SERVER_DIR_LOCKED` while an embedded server runs there, `BACKUP_EMPTY` where there is
 * none, `BACKUP_OF_ANOTHER` before anything in `out` is touched.
 */
export async function backUp(
  state: StateLocation,
  out: string,
  onBlob?: BlobListener,
): Promise<BackupSummary> {
  // A misspelt folder must not be made, nor a good backup be replaced by one of nothing.
  if (state.databaseUrl === undefined && !existsSync(join(state.dir, 'db'))) throw nothingThere(state);
  return withState(state, async (db, blobs) => {
    if (!(await hasServer(db))) throw nothingThere(state);
    const rowsFile = join(out, ROWS);
    if (existsSync(rowsFile)) refuseAnother(await readMeta(db), { out, kept: await keptMeta(rowsFile) });
    makePrivateFolder(out);
    const file = await open(`${rowsFile}.part`, 'w', 0o600);
    const taken = await db
      .transaction(async (tx) => {
        await tx.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ');
        const rows = await writeRows(tx, file);
        const hashes = (await tx.query<{ hash: string | null }>(REFERENCED)).flatMap(
          ({ hash }) => hash ?? [],
        );
        const [latest] = await tx.query<{ version: number | null }>(
          'SELECT MAX(version) AS version FROM versions',
        );
        return { rows, hashes, latestVersion: latest?.version ?? null };
      })
      .finally(() => file.close());
    const store = openBlobStore(join(out, 'blobs'));
    let blobsCopied = 0;
    await withCopies(join(out, 'copying'), async (newFile) => {
      for (const [i, hash] of taken.hashes.entries()) {
        onBlob?.(i, taken.hashes.length);
        if (await store.has(hash)) continue;
        await copyBlob(hash, { from: blobs, to: store, newFile });
        blobsCopied++;
      }
    });
    renameSync(`${rowsFile}.part`, rowsFile);
    const summary = {
      rows: taken.rows,
      blobs: taken.hashes.length,
      blobsCopied,
      latestVersion: taken.latestVersion,
    };
    const manifest: Manifest = {
      format: 1,
      migrations: migrations.length,
      rowsSha256: await sha256File(rowsFile),
      ...summary,
    };
    writeFileSync(join(out, 'backup.json'), `${JSON.stringify(manifest, null, 2)}\n`);
    return summary;
  });
}

/** Restores a backup into an empty server. Throws `BACKUP_INVALID`, `RESTORE_NOT_EMPTY`. */
export async function restore(
  state: StateLocation,
  from: string,
  onBlob?: BlobListener,
): Promise<BackupSummary> {
  const manifest = await readManifest(from);
  return withState(state, async (db, blobs) => {
    if (await hasServer(db))
      throw new ServerError(
        { code: 'RESTORE_NOT_EMPTY' },
        'there is a server already: restore into an empty folder or database',
      );
    const store = openBlobStore(join(from, 'blobs'));
    const kept = await store.list();
    await withCopies(join(state.dir, 'restoring'), async (newFile) => {
      for (const [i, hash] of kept.entries()) {
        onBlob?.(i, kept.length);
        await copyBlob(hash, { from: store, to: blobs, newFile });
      }
    });
    await db.transaction(async (tx) => {
      await readRows(tx, join(from, ROWS));
      for (const [table, column] of Object.entries(SEQUENCES))
        await tx.query(
          `SELECT setval(pg_get_serial_sequence('${table}', '${column}'),
             (SELECT COALESCE(MAX(${column}), 0) + 1 FROM ${table}), false)`,
        );
    });
    return { ...manifest, blobsCopied: kept.length };
  });
}

/**
 * The secret tells servers apart, also two of one network, as where one began anew: its rows in place of the lost one's would
 * end the only way back.
 */
function refuseAnother(
  own: ReadonlyMap<string, string>,
  { out, kept }: { out: string; kept: ReadonlyMap<string, string> },
): void {
  if (kept.get('secret') === own.get('secret')) return;
  const [networkId, found] = [own.get('networkId') ?? '', kept.get('networkId') ?? 'unknown'];
  const which = found === networkId ? 'another server of the same network' : `a server of network ${found}`;
  throw new ServerError(
    { code: 'BACKUP_OF_ANOTHER', networkId, found },
    `${out} holds the backup of ${which}, and was left as it is: back up into another folder`,
  );
}

/** Which server a finished backup is of, from the first lines of its rows; empty where they cannot be read. */
async function keptMeta(rowsFile: string): Promise<Map<string, string>> {
  const lines = createInterface({ input: createReadStream(rowsFile) });
  try {
    for await (const line of lines) {
      const page = JSON.parse(line) as { table: string; rows: { key: string; value: string }[] };
      return new Map(page.table === 'meta' ? page.rows.map(({ key, value }) => [key, value]) : []);
    }
  } catch {
    // cut or foreign: not known to be this server's
  } finally {
    lines.close();
  }
  return new Map();
}

async function hasServer(db: Queryable): Promise<boolean> {
  const [row] = await db.query<{ n: number }>('SELECT COUNT(*) AS n FROM meta');
  return (row?.n ?? 0) > 0;
}

function nothingThere({ dir, databaseUrl }: StateLocation): ServerError {
  return new ServerError(
    { code: 'BACKUP_EMPTY' },
    `there is no server in ${databaseUrl === undefined ? dir : 'that database'}: check --dir, --database and ALICE_DATABASE_URL`,
  );
}

/** A folder for copies that are under way; what a killed one left in it goes first. */
async function withCopies(dir: string, work: (newFile: NewScratchFile) => Promise<void>): Promise<void> {
  try {
    await openScratchFolder(dir).use(work);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

async function withState<T>(
  { dir, databaseUrl, blobs }: StateLocation,
  work: (db: Database, blobs: ReturnType<typeof openBlobStore>) => Promise<T>,
): Promise<T> {
  makePrivateFolder(dir);
  const lock = databaseUrl === undefined ? await lockDir(dir) : undefined;
  try {
    const db = await openDatabase(dir, databaseUrl);
    closeToOthers(join(dir, 'db'));
    try {
      return await work(db, openBlobStore(blobs ?? join(dir, 'blobs')));
    } finally {
      await db.close();
    }
  } finally {
    await lock?.release();
  }
}

/** One line a page of rows: `{"table":…,"rows":[…]}`; PostgreSQL itself turns rows to JSON and back, types and all. */
async function writeRows(tx: Queryable, file: FileHandle): Promise<number> {
  let total = 0;
  for (const table of TABLES)
    for (let from = 0; ; from += PAGE) {
      const rows = await tx.query<{ row: string }>(
        `SELECT to_jsonb(t)::text AS row FROM ${table} AS t ORDER BY t LIMIT ${PAGE} OFFSET ${from}`,
      );
      if (rows.length > 0)
        await file.write(`{"table":"${table}","rows":[${rows.map(({ row }) => row).join(',')}]}\n`);
      total += rows.length;
      if (rows.length < PAGE) break;
    }
  return total;
}

async function readRows(tx: Queryable, path: string): Promise<void> {
  let isCounted = false;
  for await (const line of createInterface({ input: createReadStream(path) })) {
    const { table, rows } = JSON.parse(line) as { table: (typeof TABLES)[number]; rows: unknown[] };
    if (!TABLES.includes(table)) throw invalid(`unknown table ${table}`);
    if (table === 'submission_totals' && !isCounted) {
      await tx.query('DELETE FROM submission_totals'); // the trigger has counted what was just inserted
      isCounted = true;
    }
    await tx.query(`INSERT INTO ${table} SELECT * FROM jsonb_populate_recordset(NULL::${table}, $1::jsonb)`, [
      JSON.stringify(rows),
    ]);
  }
}

async function readManifest(from: string): Promise<Manifest> {
  const path = join(from, 'backup.json');
  if (!existsSync(path)) throw invalid(`${path} is missing: the backup was not finished`);
  const manifest = JSON.parse(readFileSync(path, 'utf8')) as Manifest;
  if (manifest.format !== 1 || manifest.migrations > migrations.length)
    throw invalid('it was made by a later release: update this program');
  if ((await sha256File(join(from, ROWS))) !== manifest.rowsSha256)
    throw invalid('rows.jsonl was changed or cut');
  return manifest;
}

async function sha256File(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

function invalid(reason: string): ServerError {
  return new ServerError({ code: 'BACKUP_INVALID', reason }, `this backup cannot be restored: ${reason}`);
}
