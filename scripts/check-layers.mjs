/**
 * @file Fails on a wrong arrow between packages, a workspace import missing from package.json, a deep import past
 * `exports`, or a run-time import cycle. npm hoists, so an undeclared import would otherwise resolve unnoticed.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { workspaces } from './build.mjs';
import './check-determinism.mjs';

/** Which workspace may import which. `lab` and `apps/cli` may import any package. */
const ALL = ['protocol', 'engine', 'model', 'data', 'training', 'runtime', 'node', 'server', 'miner'];
const ALLOWED = {
  protocol: [],
  engine: ['protocol'],
  model: ['engine', 'protocol'],
  data: ['protocol'],
  training: ['model', 'engine', 'data', 'protocol'],
  runtime: ['protocol'],
  node: ['runtime', 'protocol'],
  server: ['training', 'model', 'engine', 'data', 'protocol'],
  miner: ['training', 'model', 'engine', 'data', 'protocol'],
  web: ['protocol', 'miner'],
  cli: ALL,
  lab: [...ALL, 'cli'],
};

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const problems = [];
const graph = new Map();
const IMPORT =
  /(?:^|\n)\s*(?:import|export)\s+(type\s+)?(?:[^'";]*?\sfrom\s+)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/g;

for (const workspace of workspaces()) {
  const manifest = JSON.parse(readFileSync(join(workspace, 'package.json'), 'utf8'));
  const self = manifest.name.replace('@alice/', '');
  const declared = { ...manifest.dependencies, ...manifest.devDependencies };
  for (const entry of readdirSync(join(workspace, 'src'), { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith('.ts')) continue;
    const file = join(entry.parentPath ?? entry.path, entry.name);
    checkFile(file, self, declared);
  }
}
findCycles();
if (problems.length > 0) {
  console.error(problems.join('\n'));
  process.exitCode = 1;
} else console.log(`layers: ${graph.size} files, no wrong arrow, no cycle`);

function checkFile(file, self, declared) {
  const isTest = /\.(test|e2e)\.ts$|\/(test|testing)\//.test(file);
  const edges = [];
  for (const [, typeOnly, from, dynamic] of readFileSync(file, 'utf8').matchAll(IMPORT)) {
    const target = from ?? dynamic;
    if (target.startsWith('.')) {
      if (!typeOnly) edges.push(resolve(dirname(file), target.replace(/\.js$/, '.ts')));
      continue;
    }
    if (target.startsWith('node:')) continue;
    const where = relative(root, file);
    if (!target.startsWith('@alice/')) {
      const name = target.startsWith('@') ? target.split('/').slice(0, 2).join('/') : target.split('/')[0];
      if (!declared[name] && !isTest) problems.push(`${where}: '${name}' is not in ${self}'s package.json`);
      continue;
    }
    const [, name, ...deep] = target.split('/');
    if (deep.length > 0 && !exported(name, deep.join('/')))
      problems.push(`${where}: deep import '${target}'`);
    if (!ALLOWED[self]?.includes(name)) problems.push(`${where}: ${self} may not import ${name}`);
    if (!declared[`@alice/${name}`])
      problems.push(`${where}: '@alice/${name}' is not in ${self}'s package.json`);
  }
  graph.set(file, edges);
}

/** True for a second entry that the package itself declares, such as one for browsers. */
function exported(name, entry) {
  const file = join(root, 'packages', name, 'package.json');
  return existsSync(file) && `./${entry}` in JSON.parse(readFileSync(file, 'utf8')).exports;
}

function findCycles() {
  const state = new Map();
  const path = [];
  const visit = (file) => {
    if (state.get(file) === 'done' || !graph.has(file)) return;
    if (state.get(file) === 'open') {
      problems.push(
        `cycle: ${[...path.slice(path.indexOf(file)), file].map((f) => relative(root, f)).join(' → ')}`,
      );
      return;
    }
    state.set(file, 'open');
    path.push(file);
    for (const next of graph.get(file)) visit(next);
    path.pop();
    state.set(file, 'done');
  };
  for (const file of graph.keys()) visit(file);
}
