/** @file Writes weights so that any part of them is checked when it is read (weightPages.ts). Node only. */
import type { StoredType } from '../checkpoint/elementTypes.js';
import type { WrittenFile } from '../checkpoint/nodeFiles.js';
import type { PagesSource } from './weightPages.js';

/**
 * A file for `openWeightPages`, whole or absent after a crash; one tensor in memory at a time. Cost: every tensor is read
 * three times and hashed twice.
 */
export async function writeWeightPages(
  path: string,
  source: PagesSource,
  dtype: StoredType,
): Promise<WrittenFile> {
  const { writePages } = await import('./weightPages.js');
  return await writePages(path, source, dtype);
}
