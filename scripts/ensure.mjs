/** @file Makes a clean clone ready: installs the locked dependencies when they are missing or stale, then builds. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, constants, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { watchInstall } from './installProgress.mjs';
import { withSetupLock } from './setupLock.mjs';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const marker = join(root, 'node_modules', '.alice-installed');
const lockFile = join(root, 'package-lock.json');
const NOT_WRITABLE = /\b(EACCES|EPERM|EROFS)\b/;

/**
 * Installed and built, whatever was there before; `dev`: with what only tests and checks need. Exits the process with a
 * plain message when that fails. A clone that cannot be written is fine as long as nothing is missing in it.
 */
export async function ensureReady({ dev }) {
  requireNode();
  const lock = join(root, '.alice-setup.lock');
  const onWait = (owner) =>
    console.error(
      `Another start (process ${owner}) makes this clone ready; waiting for it … If there is none, delete ${lock}.`,
    );
  await withSetupLock(lock, { onWait }, async () => {
    if (!isInstalled(dev)) await install(dev);
    await ensureBuilt();
  }).catch(notWritable);
}

const lockHash = () => createHash('sha256').update(readFileSync(lockFile)).digest('hex');

function isInstalled(dev) {
  const lock = lockHash();
  const have = installed(lock);
  return have.lock === lock && (have.kind === 'dev' || !dev);
}

function notWritable(error) {
  if (!NOT_WRITABLE.test(error.message)) throw error;
  const [first] = error.message.split('\n').filter((line) => NOT_WRITABLE.test(line));
  fail('CLONE_NOT_WRITABLE', `${first}. Give yourself the right to write in ${root}, or clone it elsewhere.`);
}

async function install(dev) {
  accessSync(root, constants.W_OK); // npm would try twice and say much before it comes to that
  const lock = lockHash();
  const withDev = dev || installed(lock).kind === 'dev'; // never take test tools away from a developer
  console.error(`Installing dependencies${withDev ? ' (with test tools)' : ''}; once, about a minute …`);
  if (!(await runNpm('ci', withDev)) && !(await installLoosely(withDev)))
    fail(
      'INSTALL_FAILED',
      'npm could not install the dependencies. Check the network or the registry setting (npm config get registry) and run the command again.',
    );
  writeFileSync(marker, `${lock} ${withDev ? 'dev' : 'prod'}`);
}

/** What was installed: by an earlier start, or by hand with npm since the lock file was written. */
function installed(lock) {
  if (existsSync(marker)) {
    const [of, kind] = readFileSync(marker, 'utf8').split(' ');
    return { lock: of, kind };
  }
  const byHand = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(byHand) || statSync(byHand).mtimeMs < statSync(lockFile).mtimeMs)
    return { lock: '', kind: 'none' };
  return { lock, kind: existsSync(join(root, 'node_modules', 'fast-check')) ? 'dev' : 'prod' };
}

/** A registry that lacks a package of another platform makes `npm ci` give up; then `install` takes what there is. */
async function installLoosely(dev) {
  const before = readFileSync(lockFile);
  const done = await runNpm('install', dev);
  writeFileSync(lockFile, before);
  return done;
}

async function runNpm(verb, dev) {
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const args = [
    verb,
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
    '--no-progress', // ours tells more
    ...(dev ? ['--include=dev'] : ['--omit=dev']),
  ];
  const stop = watchInstall(root, { packages: JSON.parse(readFileSync(lockFile, 'utf8')).packages, dev });
  const child = spawn(npm, args, {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: process.platform === 'win32',
    // ONNX Runtime's install step would download CUDA libraries; the CPU build ships in the package.
    env: { ...process.env, ...writableCache(), NODE_ENV: '', ONNXRUNTIME_NODE_INSTALL: 'skip' },
  });
  const status = await new Promise((resolve) => {
    child.once('error', () =>
      fail('NPM_MISSING', `${npm} cannot be run: it comes with Node and must be in PATH.`),
    );
    child.once('close', resolve);
  });
  stop();
  return status === 0;
}

/** npm needs a cache it can write to; services and containers often run without such a home. */
function writableCache() {
  const cache = process.env.npm_config_cache ?? join(homedir(), '.npm');
  try {
    accessSync(existsSync(cache) ? cache : dirname(cache), constants.W_OK);
    return {};
  } catch {
    return { npm_config_cache: join(tmpdir(), 'alice-npm-cache') };
  }
}

/** Builds what changed; prints the problems and exits when a source does not compile. */
export async function ensureBuilt() {
  const { build } = await import('./build.mjs');
  await build().catch((error) => {
    if (NOT_WRITABLE.test(error.message)) throw error;
    fail('BUILD_FAILED', error.message);
  });
}

function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  fail(
    'NODE_TOO_OLD',
    `Alice needs Node 20.19 or newer; this is ${process.versions.node}. Install a current Node from nodejs.org.`,
  );
}

function fail(code, message) {
  console.error(`${code}: ${message}`);
  process.exit(1);
}
