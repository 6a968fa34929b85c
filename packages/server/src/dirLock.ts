/**
 * @file One process per folder. The lock is a listening local socket named by the folder: the system frees it when the
 * process dies in whatever way, so a lock can never be left behind; a dead socket file is recognised and replaced.
 */
import { createHash } from 'node:crypto';
import { realpathSync, rmSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { errorCodeOf } from '@alice/protocol';
import { ServerError } from './errors.js';

export interface DirLock {
  release(): Promise<void>;
}

/** Longest path of a local socket that all systems take. */
const MAX_SOCKET_PATH = 100;

/** Throws `SERVER_DIR_LOCKED` while another process (or this one) holds the folder. */
export async function lockDir(dir: string, holder = 'parameter server'): Promise<DirLock> {
  const path = socketPath(realpathSync(dir));
  for (let attempt = 0; attempt < 2; attempt++) {
    const server = await listen(path);
    if (server) return { release: () => new Promise((resolve) => server.close(() => resolve())) };
    if (await isAlive(path)) break;
    rmSync(path, { force: true });
  }
  throw new ServerError(
    { code: 'SERVER_DIR_LOCKED', dir },
    `another ${holder} is working in ${dir}: stop it first, or start this one in another folder`,
  );
}

function socketPath(dir: string): string {
  const name = `alice-server-${createHash('sha256').update(dir).digest('hex').slice(0, 24)}`;
  if (process.platform === 'win32') return `\\\\.\\pipe\\${name}`;
  const inside = join(dir, 'server.lock');
  return inside.length <= MAX_SOCKET_PATH ? inside : join(tmpdir(), name);
}

function listen(path: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.unref();
    server.once('error', (error) =>
      errorCodeOf(error) === 'EADDRINUSE' ? resolve(undefined) : reject(error),
    );
    server.listen(path, () => resolve(server));
  });
}

function isAlive(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
