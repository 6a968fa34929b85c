/** @file Writing and reading that the system refuses: a code that names the file, and nothing half done. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openByteFile, readTextFile, writeWhole } from './nodeFiles.js';
import { scratchFolder } from './testing/scratchFolder.js';

const noFullDevice = existsSync('/dev/full') ? false : 'this system has no /dev/full';

test('a full disk leaves the old file, and nothing beside it', { skip: noFullDevice }, async (t) => {
  const dir = scratchFolder(t);
  const path = join(dir, 'weights');
  await writeWhole(path, [Buffer.from('old')]);
  symlinkSync('/dev/full', `${path}.${process.pid}.tmp`);
  await assert.rejects(writeWhole(path, [Buffer.from('new')]), {
    info: { code: 'CHECKPOINT_DISK_FULL', file: path },
  });
  assert.deepEqual([readFileSync(path, 'utf8'), readdirSync(dir)], ['old', ['weights']]);
});

test('a folder that cannot be made is refused, at once', async (t) => {
  const file = join(scratchFolder(t), 'file');
  writeFileSync(file, '');
  const below = [join(file, 'weights'), join(file, 'more', 'weights')];
  if (existsSync('/proc/self')) below.push('/proc/alice/weights');
  for (const path of below)
    await assert.rejects(writeWhole(path, []), (error: { info: object; message: string }) => {
      assert.ok('code' in error.info && error.info.code === 'CHECKPOINT_UNWRITABLE', error.message);
      return error.message.includes(path);
    });
});

test('what the pieces throw is passed on, and the old file stays', async (t) => {
  const path = join(scratchFolder(t), 'weights');
  await writeWhole(path, [Buffer.from('old')]);
  async function* pieces(): AsyncIterable<Uint8Array> {
    yield Buffer.from('half');
    throw new Error('the server is gone');
  }
  await assert.rejects(writeWhole(path, pieces()), /the server is gone/);
  assert.equal(readFileSync(path, 'utf8'), 'old');
});

test('what is no file is refused by name', async (t) => {
  const dir = scratchFolder(t);
  mkdirSync(join(dir, 'folder'));
  const refused = {
    info: { code: 'CHECKPOINT_UNREADABLE', file: join(dir, 'folder'), reason: 'it is not a file' },
  };
  await assert.rejects(openByteFile(join(dir, 'folder')), refused);
  await assert.rejects(readTextFile(join(dir, 'folder')), { code: 'CHECKPOINT_UNREADABLE' });
  await assert.rejects(openByteFile(join(dir, 'nothing')), { code: 'CHECKPOINT_MISSING' });
});
