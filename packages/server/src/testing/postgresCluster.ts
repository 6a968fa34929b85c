/**
 * @file A PostgreSQL server of its own for a test: in a temporary folder, on a socket and a free port, gone afterwards.
 * ALICE_POSTGRES_BIN names the folder of `initdb` and `postgres`; otherwise the usual places are searched. PostgreSQL
 * refuses to run as root, so root starts it as another user.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { freePort } from './freePort.js';

export interface PostgresCluster {
  /** Of its first database; `databaseUrl` makes more. */
  readonly url: string;
  /** A new, empty database. */
  createDatabase(): Promise<string>;
  /** `kill -9` of the whole server. */
  kill(): Promise<void>;
  start(): Promise<void>;
  remove(): Promise<void>;
}

/** Folder of the programs, or undefined where PostgreSQL is not installed. */
export function findPostgres(): string | undefined {
  const given = process.env['ALICE_POSTGRES_BIN'];
  if (given !== undefined) return given;
  const root = '/usr/lib/postgresql';
  const versions = existsSync(root) ? readdirSync(root).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = [
    ...versions.map((version) => join(root, version, 'bin')),
    ...(process.env['PATH'] ?? '').split(':'),
  ];
  return folders.find((dir) => existsSync(join(dir, 'initdb')) && existsSync(join(dir, 'postgres')));
}

/** Starts a fresh cluster; cost: about two seconds. */
export async function startPostgres(bin: string): Promise<PostgresCluster> {
  const dir = mkdtempSync(join(tmpdir(), 'alice-postgres-'));
  const user = unprivileged();
  if (user) chownSync(dir, user.uid, user.gid);
  const data = join(dir, 'data');
  const run = { cwd: dir, ...user, stdio: 'ignore' as const };
  execFileSync(
    join(bin, 'initdb'),
    ['-D', data, '-U', 'alice', '-A', 'trust', '-E', 'UTF8', '--no-sync'],
    run,
  );
  const port = await freePort();
  const url = `postgres://alice@127.0.0.1:${port}/postgres`;
  let child: ChildProcess | undefined;
  let made = 0;

  const spawnOnce = (): void => {
    const settings = ['listen_addresses=127.0.0.1', `unix_socket_directories=${dir}`, 'max_connections=120'];
    child = spawn(
      join(bin, 'postgres'),
      ['-D', data, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])],
      run,
    );
  };
  const start = async (): Promise<void> => {
    spawnOnce();
    await reachable(url, () => {
      // Orphans of a killed server may still hold its memory: then the new one gives up, and another must be started.
      if (child?.exitCode !== null) spawnOnce();
    });
  };
  const kill = async (): Promise<void> => {
    const dying = child;
    if (!dying?.pid || dying.exitCode !== null || dying.signalCode !== null) return;
    const gone = new Promise((resolve) => dying.once('exit', resolve));
    dying.kill('SIGKILL');
    await gone;
  };
  await start();
  return {
    url,
    async createDatabase() {
      const name = `test_${process.pid}_${++made}`;
      await once(url, `CREATE DATABASE ${name}`);
      return url.replace(/\/postgres$/, `/${name}`);
    },
    kill,
    start,
    async remove() {
      await kill();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** Waits until a server answers: after a kill it replays its log first. */
async function reachable(url: string, onFailure: () => void): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await once(url, 'SELECT 1');
    } catch (error) {
      if (attempt >= 600) throw error;
      onFailure();
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

async function once(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query(sql);
  } finally {
    await client.end().catch(() => undefined);
  }
}

function unprivileged(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string, name: string): number | undefined => {
    try {
      return Number(
        execFileSync('id', [flag, name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
      );
    } catch {
      return undefined;
    }
  };
  for (const name of ['postgres', 'nobody']) {
    const [uid, gid] = [id('-u', name), id('-g', name)];
    if (uid !== undefined && gid !== undefined) return { uid, gid };
  }
  return undefined;
}
