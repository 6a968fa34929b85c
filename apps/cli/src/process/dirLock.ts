/** @file One `alice up` per folder. */
import { type DirLock, type LockOwner, lockFolder } from '@alice/miner';
import { messageOf } from '@alice/protocol';
import { CliError } from '../errors.js';

/** Creates the folder and takes its lock. Throws DIR_BUSY, DIR_UNUSABLE. */
export async function lockDir(dir: string): Promise<DirLock> {
  try {
    return await lockFolder(dir, { file: 'up.lock', locked: (owner) => busy(dir, owner) });
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw new CliError(
      { code: 'DIR_UNUSABLE', dir },
      `cannot write in ${dir}: ${messageOf(error)}. Choose another folder with --dir`,
    );
  }
}

function busy(dir: string, owner: LockOwner | undefined): CliError {
  const who = owner ? ` (process ${owner.pid} on ${owner.host})` : '';
  return new CliError(
    { code: 'DIR_BUSY', dir },
    `another alice${who} already runs on ${dir}: stop it, or choose another folder with --dir`,
  );
}
