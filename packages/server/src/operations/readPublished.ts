/**
 * @file The latest published version of a server that is not running, from its folder. The folder is locked meanwhile;
 * nothing but the tables' form is changed. Whether the version is signed and its weights have the state root is for the
 * reader to check, as with a server that answers.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { HashHex, HexString, VersionManifest } from '@alice/protocol';
import { openBlobStore } from '../blobs/blobLocation.js';
import { openDatabase } from '../database/Database.js';
import { lockDir } from '../dirLock.js';
import { readMeta } from '../state/meta.js';
import { latestVersion, manifestOf } from '../state/versions.js';

export interface StoredPublication {
  readonly networkId: HexString;
  readonly serverId: string;
  readonly tokenizerId: string;
  /** `hashJson` of the model's message: which model it is, its folder's owner knows. */
  readonly modelHash: string;
  readonly latest: VersionManifest;
  /** The whole blob, checked against its address. Throws `BLOB_MISSING`, `BLOB_CORRUPT`. */
  blob(hash: HashHex): Promise<Uint8Array>;
}

/**
 * Calls `work` with what the folder holds; returns `undefined` without calling it where no version was published there.
 * Throws `SERVER_DIR_LOCKED` while a server works in the folder, `SERVER_DIR_TOO_NEW`.
 */
export async function withPublished<T>(
  dir: string,
  work: (publication: StoredPublication) => Promise<T>,
): Promise<T | undefined> {
  if (!existsSync(join(dir, 'db'))) return undefined;
  const lock = await lockDir(dir);
  try {
    const db = await openDatabase(dir);
    try {
      const meta = await readMeta(db);
      const row = await latestVersion(db);
      if (!row) return undefined;
      const blobs = openBlobStore(join(dir, 'blobs'));
      return await work({
        networkId: meta.get('networkId') as HexString,
        serverId: meta.get('serverId')!,
        tokenizerId: meta.get('tokenizer')!,
        modelHash: meta.get('model')!,
        latest: manifestOf(row),
        blob: (hash) => blobs.get(hash),
      });
    } finally {
      await db.close();
    }
  } finally {
    await lock.release();
  }
}
