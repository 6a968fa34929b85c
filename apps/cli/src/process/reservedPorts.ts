/**
 * @file Ports that a program has chosen but nobody listens on yet: it says so in a folder for temporary files, so that another
 * one of the same person, started in the same moment, takes the next. A courtesy, not a lock: where it cannot be said,
 * ports are taken as they are found.
 */
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { type DirLock, lockFolder } from '@alice/miner';

export interface ReservedPorts {
  /** False where another live program has reserved it. */
  reserve(port: number): Promise<boolean>;
  /** Lets all of them go. */
  release(): Promise<void>;
}

class Taken extends Error {}

export function reservePorts(
  dir = join(tmpdir(), `alice-ports-${userInfo().username.replaceAll(/\W/g, '-')}`),
): ReservedPorts {
  const locks: DirLock[] = [];
  return {
    async reserve(port) {
      try {
        locks.push(await lockFolder(dir, { file: `${port}.lock`, locked: () => new Taken() }));
        return true;
      } catch (error) {
        return !(error instanceof Taken);
      }
    },
    async release() {
      for (const lock of locks.splice(0)) await lock.release();
    },
  };
}
