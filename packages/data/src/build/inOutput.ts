/** @file The folder a build writes to, for as long as the build takes: made, locked, and its faults named. */
import { mkdir, rmdir } from 'node:fs/promises';
import { errorCodeOf, messageOf } from '@alice/protocol';
import { DataError } from '../errors.js';
import { lockOutput } from './outputLock.js';

const FULL: readonly (string | undefined)[] = ['ENOSPC', 'EDQUOT'];
/** Where a source cannot be read, the error has a code of this package already. */
const UNWRITABLE: readonly (string | undefined)[] = ['EACCES', 'EPERM', 'EROFS', 'EIO', 'ENOTDIR', 'EEXIST'];

/** Throws `OUTPUT_BUSY`, `OUTPUT_FULL`, `OUTPUT_UNWRITABLE`, and what `run` throws. */
export async function inOutput<T>(outDir: string, run: () => Promise<T>): Promise<T> {
  let made: string | undefined;
  let release: (() => void) | undefined;
  try {
    made = await mkdir(outDir, { recursive: true });
    release = lockOutput(outDir);
    return await run();
  } catch (error) {
    throw outputFault(error, outDir);
  } finally {
    release?.();
    // A build that came to nothing leaves no empty folder behind.
    if (made !== undefined) await rmdir(outDir).catch(() => undefined);
  }
}

/** What a failed write means in this package's codes; other errors as they are. */
export function outputFault(error: unknown, dir: string): unknown {
  if (error instanceof DataError) return error;
  const code = errorCodeOf(error);
  if (FULL.includes(code))
    return new DataError(
      { code: 'OUTPUT_FULL', dir },
      `the disk of ${dir} is full: make room (a build needs about as much again as its shards), then run the same command ` +
        'again; it goes on where it was',
      { cause: error },
    );
  if (!UNWRITABLE.includes(code)) return error;
  return new DataError(
    { code: 'OUTPUT_UNWRITABLE', dir },
    `${dir} cannot be written to (${messageOf(error)}): check its permissions, or choose another folder`,
    { cause: error },
  );
}
