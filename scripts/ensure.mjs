/** @file Makes a clean clone ready: installs the locked dependencies when they are missing or stale, then builds. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const marker = join(root, 'node_modules', '.alice-installed');
const lockFile = join(root, 'package-lock.json');

/** `dev` also installs what only tests and checks need. Exits the process with a plain message when npm fails. */
export function ensureInstalled({ dev }) {
  requireNode();
  const lock = createHash('sha256').update(readFileSync(lockFile)).digest('hex');
  const have = installed(lock);
  if (have.lock === lock && (have.kind === 'dev' || !dev)) return;
  const withDev = dev || have.kind === 'dev'; // never take test tools away from a developer
  console.error(`Installing dependencies${withDev ? ' (with test tools)' : ''}; once, about a minute …`);
  if (!runNpm('ci', withDev) && !installLoosely(withDev)) {
    console.error(
      'INSTALL_FAILED: npm could not install the dependencies. Check the network or the registry setting (npm config get registry) and run the command again.',
    );
    process.exit(1);
  }
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
function installLoosely(dev) {
  const before = readFileSync(lockFile);
  const done = runNpm('install', dev);
  writeFileSync(lockFile, before);
  return done;
}

function runNpm(verb, dev) {
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const args = [
    verb,
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
    ...(dev ? ['--include=dev'] : ['--omit=dev']),
  ];
  const { status } = spawnSync(npm, args, {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: process.platform === 'win32',
    // ONNX Runtime's install step would download CUDA libraries; the CPU build ships in the package.
    env: { ...process.env, NODE_ENV: '', ONNXRUNTIME_NODE_INSTALL: 'skip' },
  });
  return status === 0;
}

/** Builds what changed; prints the problems and exits when a source does not compile. */
export async function ensureBuilt() {
  const { build } = await import('./build.mjs');
  try {
    await build();
  } catch (error) {
    console.error(`BUILD_FAILED: ${error.message}`);
    process.exit(1);
  }
}

function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  console.error(
    `NODE_TOO_OLD: Alice needs Node 20.19 or newer; this is ${process.versions.node}. Install a current Node from nodejs.org.`,
  );
  process.exit(1);
}
