/** @file Makes a clean clone ready: installs the locked dependencies when they are missing or stale, then builds. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const marker = join(root, 'node_modules', '.alice-installed');

/** `dev` also installs what only tests and checks need. Exits the process with a plain message when npm fails. */
export function ensureInstalled({ dev }) {
  requireNode();
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  const have = existsSync(marker) ? readFileSync(marker, 'utf8').split(' ') : [];
  if (have[0] === lock && (have[1] === 'dev' || !dev)) return;
  console.error(`Installing dependencies${dev ? ' (with test tools)' : ''}; once, about a minute …`);
  const args = [
    'ci',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
    ...(dev ? ['--include=dev'] : ['--omit=dev']),
  ];
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const { status } = spawnSync(npm, args, {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: process.platform === 'win32',
    env: { ...process.env, NODE_ENV: '', npm_config_onnxruntime_node_install: 'skip' },
  });
  if (status !== 0) {
    console.error(
      'INSTALL_FAILED: npm could not install the dependencies. Check the network or the registry setting (npm config get registry) and run the command again.',
    );
    process.exit(1);
  }
  writeFileSync(marker, `${lock} ${dev ? 'dev' : 'prod'}`);
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
