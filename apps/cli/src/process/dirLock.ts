/** @file One process per folder: a lock file with the owner's process id; a lock whose owner is gone is taken over. */
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '@alice/protocol';
import { CliError } from '../errors.js';
import { isAlive } from './isAlive.js';

/** Creates the folder and takes its lock; returns the release. Throws DIR_BUSY, DIR_UNUSABLE. */
export function lockDir(dir: string): () => void {
  const path = join(dir, 'up.lock');
  try {
    mkdirSync(dir, { recursive: true });
  } catch (error) {
    throw new CliError(
      { code: 'DIR_UNUSABLE', dir },
      `cannot create ${dir}: ${messageOf(error)}. Choose another folder with --dir`,
    );
  }
  for (let attempt = 0; attempt < 3; attempt++) {
    if (tryLock(path)) return () => rmSync(path, { force: true });
    const owner = Number(readLock(path));
    if (Number.isInteger(owner) && owner > 0 && owner !== process.pid && isAlive(owner))
      throw new CliError(
        { code: 'DIR_BUSY', dir },
        `another alice (process ${owner}) already runs on ${dir}: stop it, or choose another folder with --dir`,
      );
    rmSync(path, { force: true });
  }
  throw new CliError({ code: 'DIR_UNUSABLE', dir }, `cannot lock ${dir}: remove ${path} and try again`);
}

function tryLock(path: string): boolean {
  try {
    const file = openSync(path, 'wx');
    writeSync(file, String(process.pid));
    closeSync(file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw new CliError({ code: 'DIR_UNUSABLE', dir: path }, `cannot write ${path}: ${messageOf(error)}`);
  }
}

function readLock(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
