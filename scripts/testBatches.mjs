/**
 * @file Puts several test files into one process: starting Node and loading the same packages takes longer than most of them
 * run. Each file stays a suite of its own, with its own hooks, under its path.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** More would leave one process running at the end while the other processors are idle. */
const MOST_FILES = 6;

/** Writes modules into `dir` that hold `files` (paths below `root`), those of a workspace together; their paths. */
export function writeBatches(files, { root, dir }) {
  return batchesOf(files).map((batch, i) => {
    const path = join(dir, `${String(i).padStart(3, '0')}.mjs`);
    writeFileSync(path, batchModule(batch, root));
    return path;
  });
}

/** As equal in size as can be. */
function batchesOf(files) {
  const workspaces = [...new Set(files.map(workspaceOf))];
  return workspaces.flatMap((workspace) => {
    const all = files.filter((file) => workspaceOf(file) === workspace);
    const count = Math.ceil(all.length / MOST_FILES);
    return Array.from({ length: count }, (_, i) => all.filter((_file, at) => at % count === i));
  });
}

const workspaceOf = (file) => file.replace(/[\\/]dist[\\/].*$/, '');

function batchModule(batch, root) {
  const load = (file) =>
    `load(${JSON.stringify(file)}, ${JSON.stringify(pathToFileURL(join(root, file)).href)});`;
  return [LOAD, ...batch.map(load), ''].join('\n');
}

/** A suite that fails to build does not fail by itself. */
const LOAD = `import { describe, it } from 'node:test';
function load(name, url) {
  describe(name, async () => {
    try {
      await import(url);
    } catch (error) {
      it('loads', () => { throw error; });
    }
  });
}`;
