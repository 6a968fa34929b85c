/**
 * @file Packs what `npx` and containers install: one tarball with the command line, the status page and the packages they
 * are made of, without tests, sources and source maps, for one platform. ONNX Runtime is in it, with the files of that
 * platform alone and without its install step, which fetches CUDA libraries from a place that is not the npm registry.
 * Other packages are locked to the versions of the lock file: npm honours the package's own lock when it comes from a
 * registry. `node scripts/pack.mjs [--out DIR] [--platform linux-x64]` prints the tarball's path.
 */
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { ensureBuilt, root } from './ensure.mjs';

const NAME = 'alice-network';
/** Only the browser computes with it, and its files are part of the page. */
const NOT_NEEDED = new Set(['onnxruntime-web']);
const ONNX_RUNTIME = 'onnxruntime-node';
/** What the tarball brings along; the second is needed by the first, in the same version. */
const BUNDLED = [ONNX_RUNTIME, 'onnxruntime-common'];
/** The page is bundled: what it is made of is in it already. */
const PACKAGES = ['protocol', 'engine', 'model', 'data', 'training', 'runtime', 'node', 'server', 'miner'];

/** Says what is missing before anything is loaded that an old Node cannot read. */
const ENTRY = `#!/usr/bin/env node
const [major, minor] = process.versions.node.split('.').map(Number);
if (major > 20 || (major === 20 && minor >= 19)) await import('../apps/cli/dist/main.js');
else {
  console.error(\`NODE_TOO_OLD: Alice needs Node 20.19 or newer; this is \${process.versions.node}. Install a current Node from nodejs.org.\`);
  process.exitCode = 1;
}
`;

const read = (path) => JSON.parse(readFileSync(path, 'utf8'));
const lock = read(join(root, 'package-lock.json')).packages;
const rootManifest = read(join(root, 'package.json'));

/** Copies built files; of scripts, what runs. */
function copyBuilt(from, to) {
  cpSync(from, to, {
    recursive: true,
    filter: (path) => !/\.(test|e2e)\.js$|\.(tmp|map)$|bundle\.stamp$/.test(path),
  });
}

/** Builds leave the parts of earlier bundles to programs that still run. */
function removeOldParts(bundle) {
  const used = new Set();
  const follow = (name) => {
    if (used.has(name)) return;
    used.add(name);
    for (const [, part] of readFileSync(join(bundle, name), 'utf8').matchAll(/"\.\/(part-\w+\.js)"/g))
      follow(part);
  };
  follow('main.js');
  for (const name of readdirSync(bundle)) if (!used.has(name)) rmSync(join(bundle, name));
}

/** The versions that this clone is locked to; two packages that lock different ones would need two copies. */
function lockedDependencies(folders) {
  const found = new Map();
  for (const folder of folders)
    for (const name of Object.keys(read(join(root, folder, 'package.json')).dependencies ?? {})) {
      if (name.startsWith('@alice/') || NOT_NEEDED.has(name)) continue;
      const { version } = lock[`${folder}/node_modules/${name}`] ?? lock[`node_modules/${name}`] ?? {};
      if (version === undefined)
        throw new Error(`${folder} needs ${name}, which package-lock.json does not name`);
      if (found.has(name) && found.get(name) !== version)
        throw new Error(`${name} is locked to ${found.get(name)} and, for ${folder}, to ${version}`);
      found.set(name, version);
    }
  return Object.fromEntries([...found].sort(([a], [b]) => a.localeCompare(b)));
}

/** ONNX Runtime as npm would lay it, less other platforms' files and the step that npm would run after installing it. */
function stageBundled(into, platform) {
  for (const name of BUNDLED)
    cpSync(join(root, 'node_modules', name), join(into, 'node_modules', name), {
      recursive: true,
      filter: (path) => !/[\\/]bin[\\/]napi-v\d+[\\/]|\.map$|\.d\.ts$/.test(path),
    });
  const binaries = join('node_modules', ONNX_RUNTIME, 'bin');
  const [os, cpu] = platform.split('-');
  for (const abi of readdirSync(join(root, binaries))) {
    const files = join(binaries, abi, os, cpu);
    if (!existsSync(join(root, files)))
      throw new Error(`ONNX Runtime has no files for ${platform}; it has ${platformsOf(abi).join(', ')}`);
    cpSync(join(root, files), join(into, files), { recursive: true });
  }
  const manifestPath = join(into, 'node_modules', ONNX_RUNTIME, 'package.json');
  const { scripts: _, devDependencies: __, ...manifest } = read(manifestPath);
  writeFileSync(manifestPath, `${JSON.stringify(manifest, null, 2)}\n`);
}

const platformsOf = (abi) =>
  readdirSync(join(root, 'node_modules', ONNX_RUNTIME, 'bin', abi)).flatMap((os) =>
    readdirSync(join(root, 'node_modules', ONNX_RUNTIME, 'bin', abi, os)).map((cpu) => `${os}-${cpu}`),
  );

function stage(into, platform) {
  copyBuilt(join(root, 'apps', 'cli', 'dist'), join(into, 'apps', 'cli', 'dist'));
  removeOldParts(join(into, 'apps', 'cli', 'dist', 'bundle'));
  copyBuilt(join(root, 'apps', 'web', 'dist', 'public'), join(into, 'apps', 'web', 'dist', 'public'));
  for (const name of PACKAGES)
    copyBuilt(join(root, 'packages', name, 'dist'), join(into, 'packages', name, 'dist'));
  stageBundled(into, platform);
  const { version, description, license, engines } = rootManifest;
  const [os, cpu] = platform.split('-');
  const manifest = {
    ...{ name: NAME, version, description, license, engines, type: 'module' },
    ...{ os: [os], cpu: [cpu], ...(os === 'linux' && { libc: ['glibc'] }) },
    bin: { alice: 'bin/alice.mjs' },
    dependencies: {
      ...lockedDependencies(['apps/cli', ...PACKAGES.map((name) => `packages/${name}`)]),
      ...Object.fromEntries(BUNDLED.map((name) => [name, lock[`node_modules/${name}`].version])),
    },
    bundleDependencies: BUNDLED,
  };
  writeFileSync(join(into, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  mkdirSync(join(into, 'bin'));
  writeFileSync(join(into, 'bin', 'alice.mjs'), ENTRY, { mode: 0o755 });
  for (const file of ['LICENSE', 'README.md', 'CHANGELOG.md'])
    if (existsSync(join(root, file))) cpSync(join(root, file), join(into, file));
}

/** `@alice/miner/browser` → packages/miner/dist/browser/index.js, by the package's own exports. */
function entryOf(into, specifier) {
  const [, name, ...deeper] = specifier.split('/');
  const { exports } = read(join(root, 'packages', name, 'package.json'));
  const entry = exports[deeper.length === 0 ? '.' : `./${deeper.join('/')}`];
  if (entry === undefined) throw new Error(`${specifier} is not exported`);
  return join(into, 'packages', name, entry.default);
}

/** The packages lie beside one another, so each finds the others without being installed. */
function linkPackages(text, file, into) {
  return text.replace(/(["'])(@alice\/[a-z/]+)\1/g, (_, quote, specifier) => {
    const path = relative(dirname(file), entryOf(into, specifier)).replaceAll('\\', '/');
    return `${quote}${path.startsWith('.') ? path : `./${path}`}${quote}`;
  });
}

/** Links what was compiled, and drops source maps: they are for who has the sources. The page is bundled already. */
function finishScripts(into) {
  for (const entry of readdirSync(into, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith('.js')) continue;
    if (/(^|[\\/])(public|node_modules)([\\/]|$)/.test(relative(into, entry.parentPath))) continue;
    const file = join(entry.parentPath, entry.name);
    const text = readFileSync(file, 'utf8').replace(/\n?\/\/# sourceMappingURL=[^\n]*\n?$/, '\n');
    writeFileSync(file, linkPackages(text, file, into));
  }
}

/**
 * The clone's own lock, fitted to the package: whoever installs it gets the versions that were tested. npm nests anew what
 * the clone keeps in its workspaces; everything else is named already, so nothing is looked up.
 */
function lockVersions(into) {
  const manifest = read(join(into, 'package.json'));
  const kept = Object.entries(lock).filter(
    ([path, { link, dev }]) => path.startsWith('node_modules/') && !link && !dev,
  );
  const at = mkdtempSync(join(tmpdir(), 'alice-lock-'));
  try {
    writeFileSync(join(at, 'package.json'), JSON.stringify(manifest));
    const packages = { '': manifest, ...Object.fromEntries(kept) };
    writeFileSync(
      join(at, 'package-lock.json'),
      JSON.stringify({ lockfileVersion: 3, requires: true, packages }),
    );
    runNpm(
      ['install', '--package-lock-only', '--prefer-offline', '--ignore-scripts', '--omit=dev', '--no-audit'],
      at,
    );
    const made = read(join(at, 'package-lock.json'));
    writeFileSync(join(into, 'npm-shrinkwrap.json'), JSON.stringify(made));
  } finally {
    rmSync(at, { recursive: true, force: true });
  }
}

function runNpm(args, cwd) {
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const { stdout, status } = spawnSync(npm, [...args, '--loglevel=error'], {
    ...{ cwd, encoding: 'utf8', shell: process.platform === 'win32' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status !== 0) throw new Error(`npm ${args[0]} failed; its words are above`);
  return stdout;
}

export async function pack(outDir, platform) {
  await ensureBuilt();
  const into = mkdtempSync(join(tmpdir(), 'alice-pack-'));
  try {
    stage(into, platform);
    finishScripts(into);
    lockVersions(into);
    mkdirSync(outDir, { recursive: true });
    const stdout = runNpm(['pack', '--json', '--pack-destination', outDir], into);
    const [{ filename, size, unpackedSize }] = JSON.parse(stdout);
    const path = join(outDir, filename.replace(/\.tgz$/, `-${platform}.tgz`));
    renameSync(join(outDir, filename), path);
    return { path, sizeBytes: size, unpackedBytes: unpackedSize };
  } finally {
    rmSync(into, { recursive: true, force: true });
  }
}

const option = (name) => {
  const at = process.argv.indexOf(name);
  return at > 0 ? process.argv[at + 1] : undefined;
};
const { path, sizeBytes, unpackedBytes } = await pack(
  resolve(option('--out') ?? join(root, 'dist')),
  option('--platform') ?? `${process.platform}-${process.arch}`,
);
console.error(`${(sizeBytes / 1e6).toFixed(1)} MB packed, ${(unpackedBytes / 1e6).toFixed(1)} MB unpacked`);
console.log(path);
