/**
 * @file One setup of a clone at a time: two starts at once would install into each other's node_modules. The second waits
 * for the first, and finds its work done. A lock whose process is gone (killed, power cut) counts for nothing.
 */
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const LOOK_MS = 250;
/** A lock is empty for as long as its maker needs to write a number into it. */
const EMPTY_MS = 5_000;
const NOT_WRITABLE = new Set(['EACCES', 'EPERM', 'EROFS']);

/**
 * Runs `work` while this process alone holds `path`; `onWait` is told once which process has it. Where nothing can be
 * written there is nothing to break, so `work` runs without a lock.
 */
export async function withSetupLock(path, { onWait }, work) {
  let isTold = false;
  for (;;) {
    const owner = take(path);
    if (owner === 'nobody can') return await work();
    if (owner === process.pid) break;
    if (!isTold) onWait(owner);
    isTold = true;
    await sleep(LOOK_MS);
  }
  const release = () => rmSync(path, { force: true });
  process.once('exit', release);
  try {
    return await work();
  } finally {
    process.off('exit', release);
    release();
  }
}

/** The process that has the lock: this one, if it was free. */
function take(path) {
  try {
    writeFileSync(path, String(process.pid), { flag: 'wx' });
    return process.pid;
  } catch (error) {
    if (NOT_WRITABLE.has(error.code)) return 'nobody can';
    if (error.code !== 'EEXIST') throw error;
  }
  const owner = ownerOf(path);
  if (owner !== undefined) return owner;
  rmSync(path, { force: true });
  return take(path); // whoever comes first now has it
}

/** Undefined when it has ended, or released the lock just now. */
function ownerOf(path) {
  try {
    const pid = Number(readFileSync(path, 'utf8'));
    if (pid === 0) return Date.now() - statSync(path).mtimeMs < EMPTY_MS ? pid : undefined;
    process.kill(pid, 0);
    return pid;
  } catch (error) {
    return error.code === 'EPERM' ? Number(readFileSync(path, 'utf8')) : undefined;
  }
}
