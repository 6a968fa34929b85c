/**
 * @file Processes of an `alice up` that was killed: they stop by themselves once it is gone, and hold its folders until
 * then. A start right after the kill waits for them instead of failing on a locked folder.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '@alice/protocol';
import { isAlive } from '../process/isAlive.js';
import { readRunning } from './runningNetwork.js';

/** Longer than any of them needs; after that it is another program that was given the same process id. */
const PATIENCE_MS = 30_000;
const LOOK_MS = 100;

export async function waitForOrphans(
  dir: string,
  { log, signal }: { log: Logger; signal: AbortSignal },
): Promise<void> {
  const pids = Object.values(readRunning(dir).pids).filter((pid) => pid !== process.pid);
  const living = (): number[] => pids.filter((pid) => isAlive(pid));
  if (living().length === 0) return;
  log.info('Waiting for the processes of an earlier start to stop', { processes: living().join(' ') });
  const end = Date.now() + PATIENCE_MS;
  while (living().length > 0 && Date.now() < end) await sleep(LOOK_MS, undefined, { signal });
}
