/**
 * @file Folders that only the user who runs the server may look into: the embedded database writes its files readable and
 * writable for everybody, it holds the secret of the validation rows, and work that is not judged yet can be copied. A
 * folder that is there already keeps its mode (its owner may have wanted it so), but for those named to `closeToOthers`.
 * Windows has no such modes; there the folder's own rights hold.
 */
import { chmodSync, existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { errorCodeOf } from '@alice/protocol';

const OWNER_ONLY = 0o700;

/** With the folders above it. Does not use Node's recursive way, which never ends within /proc. */
export function makePrivateFolder(dir: string): void {
  try {
    mkdirSync(dir, { mode: OWNER_ONLY });
  } catch (error) {
    if (errorCodeOf(error) === 'EEXIST') return;
    if (errorCodeOf(error) !== 'ENOENT' || existsSync(dirname(dir))) throw error;
    makePrivateFolder(dirname(dir));
    makePrivateFolder(dir);
  }
}

/** Also one that an earlier release has made; one of another user is his to close. */
export function closeToOthers(dir: string): void {
  try {
    chmodSync(dir, OWNER_ONLY);
  } catch (error) {
    if (!['ENOENT', 'EPERM'].includes(errorCodeOf(error) ?? '')) throw error;
  }
}
