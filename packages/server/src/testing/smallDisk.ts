/**
 * @file A disk that can be filled and emptied again: a file system of its own in memory (tmpfs) where this process may mount
 * one, which needs root on Linux. Elsewhere nothing is full; `fullDiskHook.js`, imported first by the processes that work
 * there (`nodeOptions`), refuses their writes with ENOSPC while a file says so.
 */
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface SmallDisk {
  readonly dir: string;
  readonly kind: 'tmpfs' | 'injected';
  /** For the command line of processes that work there. */
  readonly nodeOptions: readonly string[];
  /** Takes every byte that is left, or all but `leave` of them. */
  fill(leave?: number): void;
  free(): void;
  remove(): void;
}

/** A disk of so many bytes; `injected` where nothing can be mounted. */
export function makeSmallDisk(sizeBytes: number): SmallDisk {
  const dir = mkdtempSync(join(tmpdir(), 'alice-small-disk-'));
  return mountTmpfs(dir, sizeBytes) ? realDisk(dir) : injectedDisk(dir);
}

function mountTmpfs(dir: string, sizeBytes: number): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeBytes}`, 'tmpfs', dir], { stdio: 'ignore' });
    return true;
  } catch {
    return false; // a container without the right to
  }
}

function realDisk(dir: string): SmallDisk {
  const ballast = join(dir, 'ballast');
  return {
    ...{ dir, kind: 'tmpfs', nodeOptions: [] },
    fill(leave = 0) {
      fillWith(ballast);
      if (leave > 0) truncateSync(ballast, statSync(ballast).size - leave);
    },
    free: () => rmSync(ballast, { force: true }),
    remove() {
      execFileSync('umount', ['--lazy', dir], { stdio: 'ignore' });
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** Smaller and smaller pieces, until not one byte more goes in. */
function fillWith(path: string): void {
  const file = openSync(path, 'a');
  try {
    for (let size = 1 << 20; size >= 1; )
      try {
        if (writeSync(file, Buffer.alloc(size)) < size) size >>= 1;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
        size >>= 1;
      }
  } finally {
    closeSync(file);
  }
}

function injectedDisk(dir: string): SmallDisk {
  const flag = `${dir}.full`;
  const hook = new URL('./fullDiskHook.js', import.meta.url);
  hook.searchParams.set('flag', flag);
  return {
    ...{ dir, kind: 'injected', nodeOptions: ['--import', hook.href] },
    fill: () => writeFileSync(flag, ''),
    free: () => rmSync(flag, { force: true }),
    remove() {
      if (existsSync(flag)) rmSync(flag);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
