/**
 * @file A file that is either the old one or the whole new one, also when the process is killed in between. Not synced to
 * the disk: what a power failure leaves is found by its hash, and the next build over the folder repairs it.
 */
import { rename, writeFile } from 'node:fs/promises';

/** What unfinished files end with; a build removes those it finds. */
export const TEMPORARY_ENDING = '.tmp';

/** Writes beside the target, then renames. */
export async function writeFileAtomically(path: string, content: Uint8Array | string): Promise<void> {
  const temporary = `${path}${TEMPORARY_ENDING}`;
  await writeFile(temporary, content);
  await rename(temporary, path);
}
