/**
 * @file Bundles what is started often, since most of a start is finding and reading hundreds of small files: the threads
 * that a workspace names in its package.json (`threads`), each with what it uses and no more, and its programs
 * (`programs`), whose parts are loaded when a command needs them. Sources below `src`; the built file of the same name is
 * what is started. Of a library (`libraries`) the bundle lies beside the built files and is what Node finds under the
 * package's name. All are made anew when anything has changed: it may be in them.
 */
import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { readFile, rename, utimes, writeFile } from 'node:fs/promises';
import { basename, dirname, extname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Packages with files beside their code, and native ones. */
const NOT_BUNDLED = [
  ...['@electric-sql/pglite', 'onnxruntime-node', 'onnxruntime-web', 'lmdb'],
  ...['fastify', '@fastify/*', 'pino', 'pg', 'prom-client', 'protobufjs', '@stdlib/*'],
];
/** Its state (is it ready?) is shared by all that import it, bundled or not. */
const SHARED = '@polkadot/wasm-crypto';
/** Below the root; what lies in node_modules is not ours. */
const OWN_MODULE = /^[\\/]((?:packages|apps)[\\/][^\\/]+|lab)[\\/](?:src|dist)[\\/](.*)\.[jt]s$/;
/** A process that was started before a build may still ask for a part of the program as it was. */
const OLD_PARTS_MS = 7 * 86_400_000;

/** Of our own packages the files, not their bundles: only so is what nobody uses left out. */
const UNBUNDLED = { '@alice/protocol': join(root, 'packages', 'protocol', 'dist', 'index.js') };

const options = {
  ...{ bundle: true, format: 'esm', platform: 'node', target: 'node20', external: NOT_BUNDLED },
  alias: UNBUNDLED,
  ...{ sourcesContent: false, logLevel: 'silent' },
};

/** Packages of the older kind ask for parts of Node by this name. */
const REQUIRE = {
  js: "import * as nodeModule from 'node:module'; const require = nodeModule.createRequire(import.meta.url);",
};

const builtFile = (workspace, source) => join(workspace, 'dist', source.replace(/\.ts$/, '.js'));
const bundledFile = (workspace, source) => join(workspace, 'dist', 'bundle', source.replace(/\.ts$/, '.js'));

/** Whole or as it was, and as old as `changed`. */
async function place(path, contents, changed) {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.tmp`;
  await writeFile(temporary, contents);
  await utimes(temporary, changed, changed);
  await rename(temporary, path);
}

/** One file with all that the library imports. */
async function bundleLibrary(workspace, library, changed) {
  const target = bundledFile(workspace, library);
  const { outputFiles } = await build({
    ...options,
    ...{ entryPoints: [join(workspace, 'src', library)], write: false, sourcemap: 'inline' },
    ...{ plugins: [ownAddresses(dirname(target))], banner: REQUIRE, external: [...NOT_BUNDLED, SHARED] },
  });
  await place(target, outputFiles[0].contents, changed);
}

async function bundleThread(workspace, thread, changed) {
  const target = builtFile(workspace, thread);
  const { outputFiles } = await build({
    ...options,
    ...{ entryPoints: [join(workspace, 'src', thread)], write: false, sourcemap: 'inline' },
    plugins: [ownAddresses(dirname(target))],
  });
  await place(target, outputFiles[0].contents, changed);
}

/** `dist/main.js` loads `dist/bundle/main.js` and that, when needed, what lies beside it. */
async function bundleProgram(workspace, program, changed) {
  const dir = join(workspace, 'dist', 'bundle');
  const { outputFiles } = await build({
    ...options,
    ...{ entryPoints: [join(workspace, 'src', program)], outdir: dir, splitting: true, write: false },
    ...{ chunkNames: 'part-[hash]', sourcemap: 'linked', plugins: [ownAddresses(dir)] },
    banner: REQUIRE,
  });
  const now = new Date();
  const entry = basename(builtFile(workspace, program));
  const isEntry = ({ path }) => basename(path) === entry;
  for (const part of outputFiles.filter((file) => !isEntry(file))) await place(part.path, part.contents, now);
  for (const part of outputFiles.filter(isEntry)) await place(part.path, part.contents, now);
  await place(builtFile(workspace, program), `import './bundle/${entry}';\n`, changed);
  for (const name of readdirSync(dir))
    if (statSync(join(dir, name)).mtimeMs < now.getTime() - OLD_PARTS_MS) rmSync(join(dir, name));
}

/** A module that looks for what lies beside it finds it where the module itself was built. */
function ownAddresses(dir) {
  return {
    name: 'own addresses',
    setup({ onLoad }) {
      onLoad({ filter: /\.[jt]s$/ }, async ({ path }) => {
        const [, workspace, built] = OWN_MODULE.exec(path.slice(root.length)) ?? [];
        if (built === undefined || !path.startsWith(root)) return undefined;
        const address = relative(dir, join(root, workspace, 'dist', `${built}.js`)).replaceAll('\\', '/');
        const code = await readFile(path, 'utf8');
        return {
          contents: code.replaceAll('import.meta.url', `new URL('${address}', import.meta.url).href`),
          loader: extname(path).slice(1),
        };
      });
    },
  };
}

/** Returns how many bundles were made; `changed` is the time of the newest source of all. */
export async function bundleAll({ workspace, threads, programs, libraries }, changed, problems) {
  const isOld = (source, target) => {
    const path = target(workspace, source);
    return !existsSync(path) || statSync(path).mtimeMs < changed.getTime() - 2;
  };
  const works = [
    ...threads.filter((one) => isOld(one, builtFile)).map((thread) => [thread, bundleThread]),
    ...programs.filter((one) => isOld(one, builtFile)).map((program) => [program, bundleProgram]),
    ...libraries.filter((one) => isOld(one, bundledFile)).map((library) => [library, bundleLibrary]),
  ];
  await Promise.all(
    works.map(([source, work]) =>
      work(workspace, source, changed).catch((error) =>
        problems.push(`${relative(root, join(workspace, 'src', source))}: ${error.message}`),
      ),
    ),
  );
  return works.length;
}
