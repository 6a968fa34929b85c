/** @file Byte strings as files of one folder, each named by its hash; the time of a file is when it was last used. */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { removeTemporaries, writeFileAtomic } from './atomicFile.js';
import type { ByteStore, StoredItem } from './ByteStore.js';

/** Opens the folder, removing what a crash left half-written. Other files in it are left alone. */
export async function folderBytes(dir: string): Promise<ByteStore> {
  await mkdir(dir, { recursive: true });
  await removeTemporaries(dir);
  return {
    list: () => listOf(dir),
    read: async (name) => readFile(join(dir, name)).catch(() => undefined),
    write: (name, bytes) => writeFileAtomic(join(dir, name), bytes),
    touch: async (name, usedAtMs) => {
      const time = new Date(usedAtMs);
      await utimes(join(dir, name), time, time).catch(() => undefined);
    },
    remove: (name) => rm(join(dir, name), { force: true }),
    hashOf: (bytes) => `0x${createHash('sha256').update(bytes).digest('hex')}`,
  };
}

async function listOf(dir: string): Promise<StoredItem[]> {
  const items: StoredItem[] = [];
  for (const name of await readdir(dir)) {
    if (!/^0x[0-9a-f]{64}$/.test(name)) continue;
    const { size, mtimeMs } = await stat(join(dir, name));
    items.push({ name, sizeBytes: size, usedAtMs: mtimeMs });
  }
  return items;
}
