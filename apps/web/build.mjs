/**
 * @file Bundles the web app into `dist/public`: one HTML file, one style sheet, a first script and the parts it loads
 * later, nothing from elsewhere. Does nothing when no input is newer than the output.
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
import { build as bundle } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const protocol = join(here, '..', '..', 'packages', 'protocol', 'src');
const out = join(here, 'dist', 'public');
/** Written last, so an interrupted build is done again. */
const stamp = join(here, 'dist', 'bundle.stamp');

/** Every file the bundle is made of that belongs to this repository. */
function inputs() {
  const folders = [join(here, 'src'), join(here, 'public'), protocol];
  const files = folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !/\.(test|e2e)\.ts$/.test(entry.name))
      .map((entry) => join(entry.parentPath ?? entry.path, entry.name)),
  );
  return [...files, join(here, 'build.mjs'), join(here, 'package.json')];
}

/** Which file of the protocol package each exported name comes from, read from its index. */
function protocolExports() {
  const index = readFileSync(join(protocol, 'index.ts'), 'utf8');
  const files = new Map();
  for (const [, names, file] of index.matchAll(/export (?:type )?\{([^}]*)\} from '\.\/([^']+)\.js'/g))
    for (const name of names.split(','))
      files.set(name.trim().replace(/^type /, ''), join(protocol, `${file}.ts`));
  return files;
}

/**
 * The bundler splits by file and takes a package's index, with all behind it, for one. Importing each name from the
 * file it lives in keeps the wallet's cryptography out of the first load.
 */
const splitProtocol = {
  name: 'split-protocol',
  setup({ onLoad }) {
    const files = protocolExports();
    onLoad({ filter: /apps[\\/]web[\\/]src[\\/].*\.ts$/ }, ({ path }) => ({
      loader: 'ts',
      contents: readFileSync(path, 'utf8').replace(
        /import \{([^}]*)\} from '@alice\/protocol';/g,
        (_, names) =>
          names
            .split(',')
            .map((name) => name.trim())
            .filter((name) => name !== '' && !name.startsWith('type '))
            .map((name) => `import { ${name} } from ${JSON.stringify(files.get(name))};`)
            .join(' '),
      ),
    }));
  },
};

/** The page asks this file where the chain is; whoever serves the page may put the address in. */
const NO_CONFIG = '{}\n';

export async function build() {
  const newest = Math.max(...inputs().map((file) => statSync(file).mtimeMs));
  if (existsSync(stamp) && existsSync(join(out, 'page.js')) && statSync(stamp).mtimeMs >= newest) return;
  const startedAt = new Date();
  mkdirSync(out, { recursive: true });
  rmSync(join(out, 'parts'), { recursive: true, force: true });
  await bundle({
    entryPoints: [join(here, 'src', 'page.ts')],
    outdir: out,
    chunkNames: 'parts/[name]-[hash]',
    splitting: true,
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    plugins: [splitProtocol],
    logLevel: 'error',
  });
  const plotStyle = readFileSync(createRequire(import.meta.url).resolve('uplot/dist/uPlot.min.css'), 'utf8');
  const ownStyle = readFileSync(join(here, 'public', 'style.css'), 'utf8');
  writeFileSync(join(out, 'style.css'), `${plotStyle}\n${ownStyle}`);
  copyFileSync(join(here, 'public', 'index.html'), join(out, 'index.html'));
  const config = join(out, 'page-config.json');
  if (!existsSync(config)) writeFileSync(config, NO_CONFIG);
  writeFileSync(stamp, '');
  utimesSync(stamp, startedAt, startedAt); // what was saved meanwhile is newer
}
