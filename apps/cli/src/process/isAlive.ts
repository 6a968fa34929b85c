/**
 * @file Whether a process still runs, asked of the operating system; one that belongs to another user counts. A process
 * that has ended but was not waited for (a zombie, which containers without an init keep) does not.
 */
import { readFileSync } from 'node:fs';

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  return !hasEnded(pid);
}

/** The state letter that follows the name in /proc/<pid>/stat; other systems have no such file and wait themselves. */
function hasEnded(pid: number): boolean {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return /^ [ZX] /.test(text.slice(text.lastIndexOf(')') + 1));
  } catch {
    return false;
  }
}
