import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { temporaryFolder } from '../testing/temporaryFolder.js';
import { findFiles } from './findFiles.js';
import { listSource } from './listSource.js';

it('follows symbolic links, visits each file once whatever circles they make, and reports a dead one', async (t) => {
  const text = Buffer.from('text');
  const blobs = temporaryFolder(t, { abc: text, 'more/deep.jsonl': text });
  const dir = temporaryFolder(t, { 'b/real.jsonl': text, 'sp ace/ünï ..txt': text, '.hidden/x.txt': text });
  symlinkSync(join(blobs, 'abc'), join(dir, 'linked.txt'));
  symlinkSync(join(blobs, 'more'), join(dir, 'a-folder'));
  symlinkSync(dir, join(dir, 'b', 'circle'));
  symlinkSync(join(dir, 'b'), join(dir, 'a-before-b'));
  symlinkSync('loop', join(dir, 'loop'));
  symlinkSync(join(dir, 'nowhere'), join(dir, 'no-text'));
  mkdirSync(join(dir, 'folder.txt'));
  const expected = ['a-folder/deep.jsonl', 'b/real.jsonl', 'linked.txt', 'sp ace/ünï ..txt'];
  assert.deepEqual(
    (await listSource(dir)).files.map(({ path }) => path),
    expected,
  );
  assert.deepEqual(
    (await findFiles(dir)).map(({ path }) => path),
    expected,
  );
  symlinkSync(join(dir, 'nowhere.txt'), join(dir, 'dead.txt'));
  await assert.rejects(listSource(dir), { code: 'SOURCE_MISSING' });
});
