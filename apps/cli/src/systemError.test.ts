/** @file Refusals of the operating system as a person reads them; the errors are real ones. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { systemError } from './systemError.js';

const HERE = fileURLToPath(import.meta.url);

function thrown(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error('it was to fail');
}

test('a missing file, a folder read as a file, and a file used as a folder', () => {
  const missing = join(HERE, '..', 'no-such-file');
  assert.deepEqual(systemError(thrown(() => readFileSync(missing))), {
    code: 'FILE_NOT_FOUND',
    message: `no such file or directory, open '${missing}': check the path`,
  });
  assert.equal(systemError(thrown(() => readFileSync(join(HERE, '..'))))?.code, 'PATH_INVALID');
  assert.equal(systemError(thrown(() => mkdirSync(join(HERE, 'below'))))?.code, 'PATH_INVALID');
});

test('errors of another kind are left to others', () => {
  for (const error of [new Error('x'), 'text', undefined, Object.assign(new Error('x'), { code: 'ENOENT' })])
    assert.equal(systemError(error), undefined);
});
