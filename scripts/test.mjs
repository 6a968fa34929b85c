/**
 * @file `npm test`: makes the clone ready, then runs every built `*.test.js` with Node's own test runner.
 * Arguments narrow it: `npm test -- protocol wire` runs the tests whose path contains both words. `--e2e` runs the
 * `*.e2e.js` files instead (whole networks, minutes).
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { ensureReady, root } from './ensure.mjs';
import { writeBatches } from './testBatches.mjs';

await ensureReady({ dev: true });
const { workspaces } = await import('./build.mjs');
const e2e = process.argv.includes('--e2e');
const ending = e2e ? '.e2e.js' : '.test.js';
const words = process.argv.slice(2).filter((arg) => !arg.startsWith('-'));
const files = workspaces()
  .flatMap((workspace) =>
    (existsSync(join(workspace, 'dist'))
      ? readdirSync(join(workspace, 'dist'), { recursive: true, withFileTypes: true })
      : []
    )
      .filter((e) => e.isFile() && e.name.endsWith(ending))
      .map((e) => relative(root, join(e.parentPath ?? e.path, e.name))),
  )
  .filter((file) => words.every((word) => file.includes(word)));
if (files.length === 0) {
  console.error(`NO_TESTS: no test file matches ${JSON.stringify(words)}`);
  process.exit(1);
}
// End-to-end tests keep a process each: they take minutes, and look at what their own process leaves behind.
const batchDir = mkdtempSync(join(tmpdir(), 'alice-tests-'));
const { status } = spawnSync(
  process.execPath,
  [
    '--enable-source-maps',
    '--test',
    '--test-timeout=900000', // ends what hangs; slow and busy machines take minutes for what takes seconds elsewhere,
    // One more than there are cores, of whole networks three at most: all of them wait a good part of the time.
    `--test-concurrency=${e2e ? Math.min(3, availableParallelism() + 1) : availableParallelism() + 1}`,
    ...(e2e ? files : writeBatches(files, { root, dir: batchDir })),
  ],
  { cwd: root, stdio: 'inherit' },
);
rmSync(batchDir, { recursive: true, force: true });
process.exit(status ?? 1);
