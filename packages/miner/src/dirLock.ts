/**
 * @file One process per folder. The lock is a file with process id, start time and host: a crash leaves it behind, and
 * the next start sees that its process is gone. The start time tells a process from a later one with the same id
 * (in containers every program is process 1). Node has no advisory file locks, hence this.
 */
import { randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { MinerError } from './errors.js';

const HEARTBEAT_MS = 10_000;
/** A lock of another host, whose processes cannot be seen from here, is dead after this long without a heartbeat. */
const FOREIGN_STALE_MS = 60_000;

/** Who holds a folder. */
export interface LockOwner {
  readonly pid: number;
  readonly host: string;
  /** Kernel start time of the process where the system tells it, else empty. */
  readonly started: string;
  readonly token: string;
}

export interface LockOptions {
  /** Name of the lock's file in the folder. */
  readonly file: string;
  /** What to throw while a live process holds it; without an owner where it could not be read. */
  readonly locked: (owner: LockOwner | undefined) => Error;
}

export interface DirLock {
  release(): Promise<void>;
}

/** Takes the folder for this miner. Throws `MINER_DIR_LOCKED` when a live process has it. */
export async function lockDir(dir: string): Promise<DirLock> {
  return await lockFolder(dir, { file: 'miner.lock', locked: (owner) => minerLocked(dir, owner) });
}

/** Takes the folder, made if need be, for this process alone. Throws what `locked` makes, and the system's errors. */
export async function lockFolder(dir: string, { file, locked }: LockOptions): Promise<DirLock> {
  await mkdir(dir, { recursive: true });
  const path = join(dir, file);
  const own: LockOwner = {
    pid: process.pid,
    host: hostname(),
    started: await startTimeOf(process.pid),
    token: randomUUID(),
  };
  await removeStale(path, locked);
  const draft = `${path}.${own.token}.tmp`;
  await writeFile(draft, JSON.stringify(own));
  try {
    await link(draft, path); // fails if anyone else has got there in between
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    throw locked(await ownerOf(path));
  } finally {
    await rm(draft, { force: true });
  }
  const heartbeat = setInterval(
    () => void utimes(path, new Date(), new Date()).catch(() => undefined),
    HEARTBEAT_MS,
  );
  heartbeat.unref();
  return {
    release: async () => {
      clearInterval(heartbeat);
      if ((await ownerOf(path))?.token === own.token) await rm(path, { force: true });
    },
  };
}

async function removeStale(path: string, locked: LockOptions['locked']): Promise<void> {
  const owner = await ownerOf(path);
  if (owner === undefined && !(await exists(path))) return;
  if (owner !== undefined && (await isAlive(owner, path))) throw locked(owner);
  const aside = `${path}.${randomUUID()}.tmp`;
  try {
    await rename(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return; // another start cleared it first
    throw error;
  }
  const moved = await ownerOf(aside);
  // Between looking and moving another start may have taken the folder: then what was moved is its fresh lock.
  if (moved?.token !== owner?.token) await link(aside, path).catch(() => undefined);
  await rm(aside, { force: true });
}

async function isAlive(owner: LockOwner, path: string): Promise<boolean> {
  if (owner.host !== hostname()) return Date.now() - (await stat(path)).mtimeMs < FOREIGN_STALE_MS;
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false; // EPERM: alive, another user's
  }
  return (await startTimeOf(owner.pid)) === owner.started;
}

/**
 * Field 22 of /proc/<pid>/stat (clock ticks since boot), counted after the name, which may contain spaces. `ended` for
 * a process that nobody has waited for yet: containers without an init keep those for ever.
 */
async function startTimeOf(pid: number): Promise<string> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  if (fields[0] === 'Z' || fields[0] === 'X') return 'ended';
  return fields[19] ?? '';
}

async function ownerOf(path: string): Promise<LockOwner | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as LockOwner;
  } catch {
    return undefined; // absent, or cut off by a crash: no live process wrote it
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

function minerLocked(dir: string, owner: LockOwner | undefined): MinerError {
  const { pid, host } = owner ?? { pid: 0, host: 'unknown' };
  return new MinerError(
    { code: 'MINER_DIR_LOCKED', dir, pid, host },
    `another miner (process ${pid} on ${host}) works in ${dir}: stop it, or give this one a folder of its own`,
  );
}
