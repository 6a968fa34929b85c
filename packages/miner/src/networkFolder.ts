/**
 * @file Binds a folder to the first network it is used with: residual, weights and shards of one network are worthless
 * and misleading in another.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ServerIdentity, utf8 } from '@alice/protocol';
import { writeFileAtomic } from './atomicFile.js';
import { MinerError } from './errors.js';

/** Throws `MINER_DIR_MISMATCH` when the folder belongs to another network or parameter server. */
export async function bindFolder(dir: string, { networkId, serverId }: ServerIdentity): Promise<void> {
  const path = join(dir, 'network.json');
  const bound = await boundTo(path);
  if (bound === undefined) {
    await writeFileAtomic(path, utf8.encode(`${JSON.stringify({ networkId, serverId })}\n`));
    return;
  }
  requireSame(dir, 'networkId', { expected: bound.networkId, actual: networkId });
  requireSame(dir, 'serverId', { expected: bound.serverId, actual: serverId });
}

async function boundTo(path: string): Promise<ServerIdentity | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as ServerIdentity;
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function requireSame(
  dir: string,
  field: string,
  { expected, actual }: { expected: string; actual: string },
): void {
  if (expected === actual) return;
  throw new MinerError(
    { code: 'MINER_DIR_MISMATCH', dir, field, expected, actual },
    `${dir} belongs to another network (${field} ${expected}); use another folder for this one (${field} ${actual})`,
  );
}
