/** @file What a build finds in its output folder: the very dataset it would make, another one, or none. */
import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DataError } from '../errors.js';
import { MANIFEST_FILE } from '../manifest.js';
import { occupied } from './WorkFolder.js';

interface Shard {
  readonly bytes: number;
}

export interface FinishedBuildOptions<M extends { readonly shards: readonly Shard[] }> {
  readonly outDir: string;
  readonly replace: boolean;
  /** Reads the manifest of the folder. */
  readonly read: (dir: string) => M;
  /** Whether a manifest is what this build would make. */
  readonly isSame: (manifest: M) => boolean;
  readonly nameOf: (shard: M['shards'][number]) => string;
}

/**
 * The dataset in the folder when it is the same and its shards are all there; null when it is to be built: from then on the
 * folder is no dataset until its new manifest is written. Throws `OUTPUT_OCCUPIED`.
 */
export function finishedBuild<M extends { readonly shards: readonly Shard[] }>(
  options: FinishedBuildOptions<M>,
): M | null {
  const { outDir, replace, read, isSame, nameOf } = options;
  try {
    const manifest = read(outDir);
    if (!isSame(manifest)) {
      if (!replace) throw occupied(outDir);
    } else if (
      manifest.shards.every(
        (shard) => statSync(join(outDir, nameOf(shard)), { throwIfNoEntry: false })?.size === shard.bytes,
      )
    )
      return manifest;
  } catch (error) {
    const code = error instanceof DataError ? error.code : undefined;
    if (code === 'MANIFEST_MISSING') return null;
    if (code !== 'MANIFEST_INVALID') throw error;
    if (!replace) throw occupied(outDir);
  }
  rmSync(join(outDir, MANIFEST_FILE), { force: true });
  return null;
}
