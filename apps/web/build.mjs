/**
 * @file Bundles the web app into `dist/public`: one HTML file, one style sheet, a first script and the parts it loads
 * later, the mining worker, ONNX Runtime's files, nothing from elsewhere. Does nothing when no input is newer than the
 * output.
 */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build as bundle } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const packages = join(here, '..', '..', 'packages');
/** Packages the page and its worker are made of. */
const BUNDLED = ['protocol', 'engine', 'model', 'data', 'training', 'miner'];
const out = join(here, 'dist', 'public');
/** What the laboratory found of attacks; the page shows it. */
const ATTACKS = join(here, '..', '..', 'lab', 'results', 'attacks.md');
/** Written last, so an interrupted build is done again. */
const stamp = join(here, 'dist', 'bundle.stamp');

/** Every file the bundle is made of that belongs to this repository. */
function inputs() {
  const folders = [
    join(here, 'src'),
    join(here, 'public'),
    ...BUNDLED.map((name) => join(packages, name, 'src')),
  ];
  const files = folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !/\.(test|e2e)\.ts$/.test(entry.name))
      .map((entry) => join(entry.parentPath ?? entry.path, entry.name)),
  );
  if (existsSync(ATTACKS)) files.push(ATTACKS);
  return [...files, join(here, 'build.mjs'), join(here, 'package.json')];
}

/** Which file each exported name of a package's entry comes from, read from that entry. */
function exportsOf(entry) {
  const files = new Map();
  const text = readFileSync(entry, 'utf8');
  for (const [, names, file] of text.matchAll(/export (?:type )?\{([^}]*)\} from '(\.[^']+)\.js'/g))
    for (const name of names.split(','))
      files.set(name.trim().replace(/^type /, ''), join(dirname(entry), `${file}.ts`));
  return files;
}

/** `@alice/miner/browser` → …/miner/src/browser/index.ts */
const entryOf = (target) => {
  const [, name, ...deeper] = target.split('/');
  return join(packages, name, 'src', ...deeper, 'index.ts');
};

/**
 * The bundler splits by file and takes a package's index, with all behind it, for one. Importing each name from the
 * file it lives in keeps the wallet's cryptography out of the first load, and what needs Node out of the worker.
 */
const splitPackages = {
  name: 'split-packages',
  setup({ onLoad, onResolve }) {
    const known = new Map();
    const fileOf = (target, name) => {
      if (!known.has(target)) known.set(target, exportsOf(entryOf(target)));
      const file = known.get(target).get(name);
      if (file === undefined) throw new Error(`'${target}' exports no '${name}'`);
      return JSON.stringify(file);
    };
    onLoad({ filter: /(apps[\\/]web|packages[\\/]\w+)[\\/]src[\\/].*\.ts$/ }, ({ path }) => ({
      loader: 'ts',
      contents: readFileSync(path, 'utf8').replace(
        /import \{([^}]*)\} from '(@alice\/[^']+)';/g,
        (_, names, target) =>
          names
            .split(',')
            .map((name) => name.trim())
            .filter((name) => name !== '' && !name.startsWith('type '))
            .map((name) => `import { ${name} } from ${fileOf(target, name)};`)
            .join(' '),
      ),
    }));
    // Node's platform is imported on demand where no other is given; in a browser there always is another.
    onResolve({ filter: /\/nodePlatform\.js$/ }, () => ({ path: 'nodePlatform', namespace: 'absent' }));
    onLoad({ filter: /.*/, namespace: 'absent' }, () => ({
      contents: "export const nodePlatform = { open() { throw new Error('there is no Node here'); } };",
    }));
  },
};

/** ONNX Runtime's own files, each beside a packed copy that servers may send instead: 14 MB become 4. */
function copyRuntime() {
  const from = dirname(createRequire(import.meta.url).resolve('onnxruntime-web'));
  const to = join(out, 'ort');
  mkdirSync(to, { recursive: true });
  for (const name of RUNTIME_FILES) {
    const [source, target] = [join(from, name), join(to, name)];
    if (existsSync(`${target}.gz`) && statSync(target).size === statSync(source).size) continue;
    copyFileSync(source, target);
    writeFileSync(`${target}.gz`, gzipSync(readFileSync(source), { level: 6 }));
  }
}

/** The page asks this file where the chain is; whoever serves the page may put the address in. */
const NO_CONFIG = '{}\n';
/** WebAssembly on the CPU; the same with WebGPU for browsers that can wait for it (JSPI). */
const RUNTIME_FILES = ['ort-wasm-simd-threaded', 'ort-wasm-simd-threaded.jspi'].flatMap((name) => [
  `${name}.mjs`,
  `${name}.wasm`,
]);

/** Removes parts of earlier builds. Not before the new ones are there: a page may be loading at this moment. */
function removeOldParts({ outputs }) {
  const wanted = new Set(Object.keys(outputs).map((file) => join(here, file)));
  for (const name of readdirSync(join(out, 'parts')))
    if (!wanted.has(join(out, 'parts', name))) rmSync(join(out, 'parts', name));
}

export async function build() {
  const newest = Math.max(...inputs().map((file) => statSync(file).mtimeMs));
  if (existsSync(stamp) && existsSync(join(out, 'page.js')) && statSync(stamp).mtimeMs >= newest) return;
  const startedAt = new Date();
  mkdirSync(out, { recursive: true });
  const { metafile } = await bundle({
    entryPoints: [
      { in: join(here, 'src', 'page.ts'), out: 'page' },
      { in: join(here, 'src', 'mine', 'minerWorker.ts'), out: 'mine-worker' },
    ],
    outdir: out,
    chunkNames: 'parts/[name]-[hash]',
    splitting: true,
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    conditions: ['onnxruntime-web-use-extern-wasm'],
    plugins: [splitPackages],
    logLevel: 'error',
    metafile: true,
    absWorkingDir: here,
  });
  removeOldParts(metafile);
  copyRuntime();
  const plotStyle = readFileSync(createRequire(import.meta.url).resolve('uplot/dist/uPlot.min.css'), 'utf8');
  const ownStyle = readFileSync(join(here, 'public', 'style.css'), 'utf8');
  writeFileSync(join(out, 'style.css'), `${plotStyle}\n${ownStyle}`);
  copyFileSync(join(here, 'public', 'index.html'), join(out, 'index.html'));
  if (existsSync(ATTACKS)) copyFileSync(ATTACKS, join(out, 'attacks.md'));
  const config = join(out, 'page-config.json');
  if (!existsSync(config)) writeFileSync(config, NO_CONFIG);
  writeFileSync(stamp, '');
  utimesSync(stamp, startedAt, startedAt); // what was saved meanwhile is newer
}
