/**
 * @file `npm test`: makes the clone ready, then runs every built `*.test.js` with Node's own test runner.
 * Arguments narrow it: `npm test -- protocol wire` runs the tests whose path contains both words.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { ensureBuilt, ensureInstalled, root } from './ensure.mjs';

ensureInstalled({ dev: true });
await ensureBuilt();
const { workspaces } = await import('./build.mjs');
const words = process.argv.slice(2);
const files = workspaces().flatMap((workspace) =>
  readdirSync(join(workspace, 'dist'), { recursive: true, withFileTypes: true })
    .filter((e) => e.isFile() && e.name.endsWith('.test.js'))
    .map((e) => relative(root, join(e.parentPath ?? e.path, e.name))),
).filter((file) => words.every((word) => file.includes(word)));
if (files.length === 0) {
  console.error(`NO_TESTS: no test file matches ${JSON.stringify(words)}`);
  process.exit(1);
}
const { status } = spawnSync(process.execPath, ['--enable-source-maps', '--test', '--test-timeout=300000', ...files], { cwd: root, stdio: 'inherit' });
process.exit(status ?? 1);
