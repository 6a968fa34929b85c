/**
 * @file A folder for the gigabytes of a bench, gone when the bench ends: done, failed, or stopped by Ctrl-C or a signal. What
 * a bench that was killed outright left is removed by the next of its name.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { errorCodeOf } from '@alice/protocol';

/** By the signal: the exit code that shells expect. */
const STOPS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/** Runs `work` with the folder, which is made in `parent`. */
export async function inBenchFolder<T>(
  { parent, name }: { readonly parent: string; readonly name: string },
  work: (dir: string) => Promise<T>,
): Promise<T> {
  removeLeftovers(parent, name);
  const dir = mkdtempSync(join(parent, `alice-${name}-${process.pid}-`));
  const remove = (): void => rmSync(dir, { recursive: true, force: true });
  const stop = (signal: keyof typeof STOPS): never => {
    remove();
    process.exit(STOPS[signal]);
  };
  const signals = Object.keys(STOPS) as (keyof typeof STOPS)[];
  for (const signal of signals) process.on(signal, stop);
  try {
    return await work(dir);
  } finally {
    for (const signal of signals) process.off(signal, stop);
    remove();
  }
}

function removeLeftovers(parent: string, name: string): void {
  const own = new RegExp(`^alice-${name}-(\\d+)-\\w{6}$`);
  for (const entry of readdirSync(parent)) {
    const pid = own.exec(entry)?.[1];
    if (pid !== undefined && !isAlive(Number(pid)))
      rmSync(join(parent, entry), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return errorCodeOf(error) !== 'ESRCH'; // another user's
  }
}
