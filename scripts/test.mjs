/**
 * @file `npm test`: makes the clone ready, then runs every built `*.test.js` with Node's own test runner.
 * Arguments narrow it: `npm test -- protocol wire` runs the tests whose path contains both words. `--e2e` runs the
 * `*.e2e.js` files instead (whole networks, minutes), one more at a time than there are cores: they wait a good part of the time.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';
import { ensureReady, root } from './ensure.mjs';

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
const { status } = spawnSync(
  process.execPath,
  [
    '--enable-source-maps',
    '--test',
    '--test-timeout=900000', // ends what hangs; slow and busy machines take minutes for what takes seconds elsewhere,
    `--test-concurrency=${e2e ? Math.min(3, availableParallelism() + 1) : availableParallelism()}`,
    ...files,
  ],
  { cwd: root, stdio: 'inherit' },
);
process.exit(status ?? 1);
