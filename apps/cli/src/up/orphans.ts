/**
 * @file Processes of an `alice up` that was killed: they stop by themselves once it is gone, and hold its folders until
 * then. A start right after the kill waits for them instead of failing on a locked folder.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '@alice/protocol';
import { isAlive } from '../process/isAlive.js';
import { networkPaths } from './networkPlan.js';

/** Longer than any of them needs; after that it is another program that was given the same process id. */
const PATIENCE_MS = 30_000;
const LOOK_MS = 100;

export async function waitForOrphans(
  dir: string,
  { log, signal }: { log: Logger; signal: AbortSignal },
): Promise<void> {
  const pids = earlierPids(networkPaths(dir).runtime);
  const living = (): number[] => pids.filter((pid) => isAlive(pid));
  if (living().length === 0) return;
  log.info('Waiting for the processes of an earlier start to stop', { processes: living().join(' ') });
  const end = Date.now() + PATIENCE_MS;
  while (living().length > 0 && Date.now() < end) await sleep(LOOK_MS, undefined, { signal });
}

/** Ids of the processes that were started last; none where the note is missing or cut off. */
function earlierPids(path: string): number[] {
  try {
    const { pids } = JSON.parse(readFileSync(path, 'utf8')) as { pids: Record<string, number> };
    return Object.values(pids).filter((pid) => Number.isInteger(pid) && pid > 0 && pid !== process.pid);
  } catch {
    return [];
  }
}
