/** @file A folder for one test, removed when the test is over. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

export function scratchFolder(test: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'alice-checkpoint-'));
  test.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}
