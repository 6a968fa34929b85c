/** @file Reads one shard file and checks it against the manifest before anyone sees a token. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCodeOf } from '@alice/protocol';
import { DataError } from './errors.js';
import { hashBytes } from './hashBytes.js';
import type { ShardInfo } from './manifest.js';
import { bytesToTokens, shardFileName } from './shardBytes.js';

const REMEDY = 'copy the shard again from another place, or build the dataset again over this folder';

/** Throws `SHARD_MISSING`, `SHARD_TRUNCATED` (also when too long), `SHARD_HASH_MISMATCH`. Cost: the shard's size. */
export async function readShard(dir: string, shard: ShardInfo): Promise<Uint16Array> {
  const file = join(dir, shardFileName(shard.id));
  const bytes = await read(file, shard);
  const actual = hashBytes(bytes);
  if (actual !== shard.sha256)
    throw new DataError(
      { code: 'SHARD_HASH_MISMATCH', shard: shard.id, file, expected: shard.sha256, actual },
      `${file} does not have the content the manifest names (SHA-256 ${actual}): ${REMEDY}`,
    );
  return bytesToTokens(bytes);
}

async function read(file: string, { id, bytes: wantBytes }: ShardInfo): Promise<Uint8Array> {
  try {
    // The size first: a file of any length must not be read into memory to learn that it is wrong.
    const { size } = await stat(file);
    const bytes = size === wantBytes ? await readFile(file) : null;
    if (bytes?.length === wantBytes) return bytes;
    throw new DataError(
      { code: 'SHARD_TRUNCATED', shard: id, file, wantBytes, gotBytes: bytes?.length ?? size },
      `${file} has ${bytes?.length ?? size} bytes, the manifest says ${wantBytes}: ${REMEDY}`,
    );
  } catch (cause) {
    if (errorCodeOf(cause) !== 'ENOENT') throw cause;
    throw new DataError({ code: 'SHARD_MISSING', shard: id, file }, `${file} is missing: ${REMEDY}`, {
      cause,
    });
  }
}
