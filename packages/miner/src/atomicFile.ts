/**
 * @file Files that are either whole or absent after a crash at any instant: written beside, flushed, renamed, and the
 * folder flushed. Does not check content; stateFile.ts and ContentCache.ts do.
 */
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

const TEMPORARY = '.tmp';

/** Replaces `path` by `parts` one after another. Nobody ever reads a half-written file under `path`. */
export async function writeFileAtomic(path: string, ...parts: readonly Uint8Array[]): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}${TEMPORARY}`;
  try {
    const file = await open(temporary, 'w', 0o600);
    try {
      for (const part of parts) await file.writeFile(part);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(dirname(path));
}

/** Removes what a crash left half-written in a folder. Only for a folder nobody else writes to. */
export async function removeTemporaries(dir: string): Promise<void> {
  const names = await readdir(dir).catch(() => []);
  for (const name of names)
    if (name.endsWith(TEMPORARY)) await rm(join(dir, basename(name)), { force: true });
}

async function syncFolder(dir: string): Promise<void> {
  try {
    const folder = await open(dir, 'r');
    await folder.sync().finally(() => folder.close());
  } catch {
    // Windows cannot flush a folder; there a rename is durable once the volume says so.
  }
}
