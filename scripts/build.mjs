/**
 * @file Turns every TypeScript source into plain JavaScript beside it (`src/x.ts` → `dist/x.js`), one file to one
 * file, so worker entry points keep their relative addresses and Node 20 needs no loader. Only files whose source
 * is newer are rebuilt; outputs without a source are removed. Types are checked by `npm run types`, not here.
 * The web app is bundled by its own build script, threads and programs by bundle.mjs.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { readFile, rename, utimes, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { stop, transform } from 'esbuild';
import { bundleAll } from './bundle.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Every workspace folder that holds a `src` directory. */
export function workspaces() {
  const found = [];
  for (const group of ['packages', 'apps'])
    for (const name of readdirSync(join(root, group)))
      if (existsSync(join(root, group, name, 'src'))) found.push(join(root, group, name));
  if (existsSync(join(root, 'lab', 'src'))) found.push(join(root, 'lab'));
  return found;
}

function filesUnder(dir, ending) {
  if (!existsSync(dir)) return [];
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((e) => e.isFile() && e.name.endsWith(ending))
    .map((e) => relative(dir, join(e.parentPath ?? e.path, e.name)));
}

async function buildFile(workspace, file, problems) {
  const source = join(workspace, 'src', file);
  const target = join(workspace, 'dist', file.replace(/\.ts$/, '.js'));
  // The output carries its source's time, taken before reading, so a source saved during a build is built again.
  const { mtime } = statSync(source);
  if (existsSync(target) && Math.abs(statSync(target).mtimeMs - mtime.getTime()) < 2) return false;
  try {
    const { code } = await transform(await readFile(source, 'utf8'), {
      loader: 'ts',
      format: 'esm',
      target: 'node20',
      sourcemap: 'inline',
      sourcefile: source,
      sourcesContent: false,
    });
    mkdirSync(dirname(target), { recursive: true });
    const temporary = `${target}.${process.pid}.tmp`;
    await writeFile(temporary, code);
    await utimes(temporary, mtime, mtime);
    await rename(temporary, target);
  } catch (error) {
    problems.push(`${relative(root, source)}: ${error.message}`);
  }
  return true;
}

/** Time of the newest source, and of the lock file: other packages are bundled too. */
function newestOf(files) {
  return new Date(
    files.reduce(
      (newest, file) => Math.max(newest, statSync(file).mtimeMs),
      statSync(join(root, 'package-lock.json')).mtimeMs,
    ),
  );
}

/** Builds everything that changed; returns how many files were built. Throws with all problems listed. */
export async function build() {
  const problems = [];
  let built = 0;
  const parts = workspaces().map((workspace) => {
    const manifest = JSON.parse(readFileSync(join(workspace, 'package.json'), 'utf8'));
    const { threads = [], programs = [], libraries = [] } = manifest;
    const sources = filesUnder(join(workspace, 'src'), '.ts').filter((f) => !f.endsWith('.d.ts'));
    return { workspace, sources, threads, programs, libraries };
  });
  for (const { workspace, sources, threads, programs } of parts) {
    const wanted = new Set(sources.map((f) => f.replace(/\.ts$/, '.js')));
    for (const old of filesUnder(join(workspace, 'dist'), '.js'))
      if (!wanted.has(old) && !/^(public|bundle)[\\/]/.test(old)) rmSync(join(workspace, 'dist', old));
    const single = sources.filter((f) => !threads.includes(f) && !programs.includes(f));
    const results = await Promise.all(single.map((f) => buildFile(workspace, f, problems)));
    built += results.filter(Boolean).length;
    const own = join(workspace, 'build.mjs');
    if (!existsSync(own)) continue;
    const { build: buildOwn } = await import(pathToFileURL(own).href);
    await buildOwn().catch((error) => problems.push(`${relative(root, own)}: ${error.message}`));
  }
  // A bundle holds built files of other workspaces, so all of them come first.
  const changed = newestOf(
    parts.flatMap(({ workspace: w, sources }) => sources.map((f) => join(w, 'src', f))),
  );
  for (const part of problems.length > 0 ? [] : parts) built += await bundleAll(part, changed, problems);
  await stop(); // its helper process would stay as long as what is started now
  if (problems.length > 0)
    throw new Error(`the build found ${problems.length} problem(s):\n${problems.join('\n')}`);
  return built;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    const count = await build();
    console.log(`built ${count} file(s)`);
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
