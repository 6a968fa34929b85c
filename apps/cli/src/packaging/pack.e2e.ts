/**
 * @file The package as it is installed: packed, unpacked in an empty folder, given no packages but those it names. Then it
 * says its version, computes, and shows the page's files. Offline: the named packages are this clone's own copies.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Finding } from '../doctor/checks.js';

const root = fileURLToPath(new URL('../../../..', import.meta.url));
const dir = mkdtempSync(join(tmpdir(), 'alice-packed-'));
after(() => rmSync(dir, { recursive: true, force: true }));

test('the package runs with nothing but what it names', { timeout: 300_000 }, () => {
  const packed = spawnSync(process.execPath, [join(root, 'scripts', 'pack.mjs'), '--out', dir], {
    encoding: 'utf8',
  });
  assert.equal(packed.status, 0, packed.stderr);
  const tarball = packed.stdout.trim().split('\n').at(-1)!;
  assert.equal(spawnSync('tar', ['xzf', tarball, '-C', dir]).status, 0);
  const at = join(dir, 'package');
  const manifest = JSON.parse(readFileSync(join(at, 'package.json'), 'utf8')) as {
    version: string;
    dependencies: Record<string, string>;
    bundleDependencies: string[];
  };
  assertBundled(at, manifest.bundleDependencies);
  for (const [name, version] of Object.entries(manifest.dependencies))
    if (!manifest.bundleDependencies.includes(name)) link(name, version, join(at, 'node_modules'));
  const files = readdirSync(at, { recursive: true, encoding: 'utf8' }).filter(
    (file) => !file.startsWith('node_modules'),
  );
  assert.deepEqual(
    files.filter((file) => /\.(test|e2e)\.js$|\.ts$/.test(file)),
    [],
  );
  for (const file of ['npm-shrinkwrap.json', 'LICENSE', 'apps/web/dist/public/page.js'])
    assert.ok(existsSync(join(at, file)), file);

  const alice = (...args: string[]) =>
    spawnSync(process.execPath, [join(at, 'bin', 'alice.mjs'), ...args], { encoding: 'utf8', cwd: dir });
  assert.equal(alice('--version').stdout.trim(), manifest.version);
  const findings = JSON.parse(alice('doctor', '--json', '--dir', join(dir, 'none')).stdout) as Finding[];
  assert.deepEqual(
    findings.filter(({ state }) => state === 'failure'),
    [],
  );
  assert.ok(findings.some(({ name, state }) => name === 'engine' && state === 'ok'));
  for (const command of ['up', 'miner', 'server', 'node', 'scorer', 'serve', 'data', 'train', 'export'])
    assert.equal(alice(command, '--help').status, 0, command);
});

/** What comes along brings this platform's files alone, and no step for npm to run: it would need more than the registry. */
function assertBundled(at: string, names: readonly string[]): void {
  assert.deepEqual(names, ['onnxruntime-node', 'onnxruntime-common']);
  for (const name of names) {
    const { scripts = {} } = JSON.parse(
      readFileSync(join(at, 'node_modules', name, 'package.json'), 'utf8'),
    ) as { scripts?: Record<string, string> };
    const steps = Object.keys(scripts).filter((step) => /^(pre|post)?install$/.test(step));
    assert.deepEqual(steps, [], name);
  }
  const binaries = readdirSync(join(at, 'node_modules', 'onnxruntime-node', 'bin'), {
    recursive: true,
    encoding: 'utf8',
  }).filter((file) => file.endsWith('.node'));
  assert.deepEqual(
    binaries.map((file) => file.replaceAll('\\', '/').replace(/^napi-v\d+\//, '')),
    [`${process.platform}/${process.arch}/onnxruntime_binding.node`],
  );
}

/** The copy of this clone that has the version named; its own dependencies are found from where it really lies. */
function link(name: string, version: string, into: string): void {
  const places = [
    root,
    ...['apps', 'packages'].flatMap((group) =>
      readdirSync(join(root, group)).map((w) => join(root, group, w)),
    ),
  ];
  const found = places
    .map((place) => join(place, 'node_modules', name))
    .find((path) => {
      const file = join(path, 'package.json');
      return (
        existsSync(file) &&
        (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version === version
      );
    });
  assert.ok(found, `${name} ${version} is not installed in this clone`);
  const target = join(into, name);
  mkdirSync(dirname(target), { recursive: true });
  symlinkSync(found, target);
}
