/**
 * @file How far `npm ci` has come, told by the packages that lie in node_modules already: npm itself prints nothing that
 * could be counted. On a terminal a bar with rate and time left, elsewhere a line each quarter.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const LOOK_MS = 250;
/** What is done at once needs no bar. */
const QUICK_MS = 2_000;
const WIDTH = 24;
const CLEARED = '\r\u001b[2K';

/** `packages`: of the lock file. Returns how to end it. */
export function watchInstall(root, { packages, dev, output = process.stderr }) {
  const places = Object.entries(packages).filter(([path, entry]) => isInstalled(path, entry, dev));
  const isLive = output.isTTY && process.env.TERM !== 'dumb';
  const startMs = Date.now();
  let firstMs; // npm first looks at all packages: that says nothing about the speed at which they come
  let said = 0;
  const look = () => {
    const nowMs = Date.now();
    if (nowMs - startMs < QUICK_MS) return;
    const done = places.filter(([path]) => existsSync(join(root, path, 'package.json'))).length;
    if (done === 0) {
      if (isLive)
        output.write(`${CLEARED}  asking for the packages … (${Math.round((nowMs - startMs) / 1000)} s)`);
      return;
    }
    firstMs ??= nowMs - LOOK_MS;
    const part = done / places.length;
    const text = progressText({ done, total: places.length, elapsedMs: nowMs - firstMs });
    if (isLive) output.write(`${CLEARED}  ${bar(part)} ${text}`);
    else if (part >= said + 0.25) {
      said = part;
      output.write(`  ${text}\n`);
    }
  };
  const timer = setInterval(look, LOOK_MS);
  return () => {
    clearInterval(timer);
    if (isLive) output.write(CLEARED);
  };
}

/** Packages for other systems stand in the lock file and are left out; links to the clone's own are there at once. */
function isInstalled(path, { link, dev: isDev, os, cpu, libc }, dev) {
  if (!path.startsWith('node_modules/') || link || (isDev && !dev)) return false;
  const fits = (list, own) => list === undefined || list.includes(own);
  return fits(os, process.platform) && fits(cpu, process.arch) && fits(libc, 'glibc');
}

function progressText({ done, total, elapsedMs }) {
  const perSecond = (1000 * done) / elapsedMs;
  const left = Math.ceil((total - done) / perSecond);
  return `${done}/${total} packages, ${perSecond.toFixed(0)} packages/s, ${left} s left`;
}

function bar(part) {
  const filled = Math.round(part * WIDTH);
  return `${'█'.repeat(filled)}${'░'.repeat(WIDTH - filled)} ${Math.round(100 * part)}%`;
}
