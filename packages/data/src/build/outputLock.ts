/**
 * @file One build per folder: two would write each other's parts. The lock is a file with the owner's process id and start
 * time; one that a killed build left behind is taken over. The start time tells a process from a later one with the same id
 * (in containers every program is process 1). Node has no advisory file locks, hence this.
 */
import { randomUUID } from 'node:crypto';
import { existsSync, linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { errorCodeOf } from '@alice/protocol';
import { DataError } from '../errors.js';

const LOCK_FILE = '.build.lock';

interface Owner {
  readonly pid: number;
  readonly host: string;
  /** Kernel start time where the system tells it, else empty. */
  readonly started: string;
  readonly token: string;
}

/** Locks that this process holds. */
const held = new Set<string>();

/** Takes the folder, which exists; returns the release. Throws `OUTPUT_BUSY`, and what the system throws. */
export function lockOutput(dir: string): () => void {
  const path = join(dir, LOCK_FILE);
  const token = randomUUID();
  const own: Owner = { pid: process.pid, host: hostname(), started: startTimeOf(process.pid), token };
  const owner = ownerOf(path);
  if (owner !== null && isAlive(owner)) throw busy(dir, owner);
  if (existsSync(path)) putAside(path, owner, dir);
  const draft = `${path}.${token}`;
  writeFileSync(draft, JSON.stringify(own));
  try {
    // Fails if another build has got there in between.
    linkSync(draft, path);
  } catch (error) {
    if (errorCodeOf(error) !== 'EEXIST') throw error;
    throw busy(dir, ownerOf(path));
  } finally {
    rmSync(draft, { force: true });
  }
  held.add(token);
  return () => {
    held.delete(token);
    if (ownerOf(path)?.token === token) rmSync(path, { force: true });
  };
}

/** Removes the lock of a dead owner. Whoever is moved in its place, because it came in between, keeps the folder. */
function putAside(path: string, dead: Owner | null, dir: string): void {
  const aside = `${path}.${randomUUID()}`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if (errorCodeOf(error) === 'ENOENT') return;
    throw error;
  }
  const moved = ownerOf(aside);
  if (moved?.token !== dead?.token) {
    renameSync(aside, path);
    throw busy(dir, moved);
  }
  rmSync(aside, { force: true });
}

function isAlive({ pid, host, started, token }: Owner): boolean {
  // Another machine's processes cannot be seen from here: its builds are taken for alive.
  if (host !== hostname()) return true;
  if (pid === process.pid && started === startTimeOf(pid)) return held.has(token);
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (errorCodeOf(error) === 'ESRCH') return false;
  }
  return startTimeOf(pid) === started;
}

/**
 * Field 22 of /proc/<pid>/stat (clock ticks since boot), counted after the name, which may contain spaces; `ended` for a
 * process that nobody has waited for yet.
 */
function startTimeOf(pid: number): string {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? 'ended' : (fields[19] ?? '');
  } catch {
    return '';
  }
}

/** Null when there is none, or one that a crash cut off: no live process wrote it. */
function ownerOf(path: string): Owner | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Owner;
  } catch {
    return null;
  }
}

function busy(dir: string, owner: Owner | null): DataError {
  const { pid, host } = owner ?? { pid: 0, host: 'unknown' };
  return new DataError(
    { code: 'OUTPUT_BUSY', dir, pid, host },
    `another build (process ${pid} on ${host}) writes to ${dir}: wait for it, stop it, or choose another folder` +
      (host === hostname() ? '' : `; if it is dead, remove ${join(dir, LOCK_FILE)}`),
  );
}
