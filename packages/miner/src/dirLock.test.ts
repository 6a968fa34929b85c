/** @file One miner per folder, and a killed one does not keep the folder for ever. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { isCodedError } from '@alice/protocol';
import { lockDir } from './dirLock.js';

let dir = '';
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'alice-lock-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const isLocked = (error: unknown): boolean => isCodedError(error) && error.info.code === 'MINER_DIR_LOCKED';
const path = (): string => join(dir, 'miner.lock');

describe('lockDir', () => {
  it('lets one in, also when many try at once, and the next after release', async () => {
    const tries = await Promise.allSettled(Array.from({ length: 8 }, () => lockDir(dir)));
    const won = tries.flatMap((t) => (t.status === 'fulfilled' ? [t.value] : []));
    assert.equal(won.length, 1);
    for (const t of tries) assert(t.status === 'fulfilled' || isLocked(t.reason));
    await won[0]!.release();
    await (await lockDir(dir)).release();
    assert.deepEqual(await readdir(dir), []);
  });

  it('takes over from a process that was killed', async () => {
    const script = `import { lockDir } from ${JSON.stringify(new URL('./dirLock.js', import.meta.url).href)};
      await lockDir(process.argv[1]); process.stdout.write('locked'); setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script, dir], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    await assert.rejects(
      lockDir(dir),
      (error) => isLocked(error) && (error as Error).message.includes(String(child.pid)),
    );
    child.kill('SIGKILL');
    await once(child, 'exit');
    const lock = await lockDir(dir);
    assert.equal(JSON.parse(await readFile(path(), 'utf8')).pid, process.pid);
    await lock.release();
  });

  it('tells a process from a later one with the same id', async () => {
    await writeFile(
      path(),
      JSON.stringify({ pid: process.pid, host: hostname(), started: '1', token: 'old' }),
    );
    await (await lockDir(dir)).release();
  });

  it('takes over a lock that was cut off while being written', async () => {
    await writeFile(path(), '{"pid":');
    await (await lockDir(dir)).release();
  });

  it('believes another host only while its lock is fresh', async () => {
    await writeFile(path(), JSON.stringify({ pid: 1, host: 'elsewhere', started: '1', token: 'x' }));
    await assert.rejects(lockDir(dir), isLocked);
    const old = new Date(Date.now() - 3_600_000);
    await utimes(path(), old, old);
    await (await lockDir(dir)).release();
  });
});
