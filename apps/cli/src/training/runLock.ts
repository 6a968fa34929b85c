/** @file One training run a folder: two of them would write over each other's saves. */
import { lockFolder } from '@alice/miner';
import { LocalRunError, makeFolder, writing } from './localRunError.js';

/** Does `work` while this process alone trains in `dir`. Throws `RUN_BUSY`, `RUN_DISK_FULL`, `RUN_UNWRITABLE`. */
export async function withRunLock<T>(dir: string, work: () => Promise<T>): Promise<T> {
  writing(dir, () => makeFolder(dir));
  const lock = await lockFolder(dir, { file: 'train.lock', locked: (owner) => busy(dir, owner?.pid) }).catch(
    (error: unknown) =>
      writing(dir, (): never => {
        throw error;
      }),
  );
  try {
    return await work();
  } finally {
    await lock.release();
  }
}

function busy(dir: string, pid: number | undefined): LocalRunError {
  return new LocalRunError(
    { code: 'RUN_BUSY', dir, pid: pid ?? null },
    `another "alice train"${pid === undefined ? '' : ` (process ${pid})`} trains in ${dir}: stop it, or name another folder with --out`,
  );
}
