/** @file The built app: small at first load, whole on its own, and asking nothing of other hosts. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const dir = fileURLToPath(new URL('./public', import.meta.url));
const FIRST_LOAD_LIMIT_BYTES = 300_000;
const scripts = [
  'page.js',
  'mine-worker.js',
  ...readdirSync(join(dir, 'parts')).map((name) => `parts/${name}`),
];

/** Files loaded with `page.js` at once: those it imports, not those it may import later. */
function firstLoad(): Set<string> {
  const found = new Set<string>();
  const visit = (file: string): void => {
    if (found.has(file)) return;
    found.add(file);
    for (const [, from] of readFileSync(file, 'utf8').matchAll(/(?:from|import)"(\.[^"]+)"/g))
      visit(join(file, '..', from!));
  };
  visit(join(dir, 'page.js'));
  return found;
}

test('the first load is at most 300 KB of script and holds no wallet cryptography', () => {
  const files = [...firstLoad()];
  const sizeBytes = files.reduce((sum, file) => sum + statSync(file).size, 0);
  assert.ok(sizeBytes <= FIRST_LOAD_LIMIT_BYTES, `${sizeBytes} bytes`);
  const isHeavy = (file: string): boolean => readFileSync(file, 'utf8').includes('sr25519');
  assert.deepEqual(files.filter(isHeavy), []);
  assert.ok(
    scripts.some((name) => isHeavy(join(dir, name))),
    'the wallet’s part is there',
  );
});

test('the mining worker and its runtime are whole, need no Node, and wait until somebody mines', () => {
  const isRuntime = (file: string): boolean => readFileSync(file, 'utf8').includes('ort-wasm-simd-threaded');
  assert.deepEqual([...firstLoad()].filter(isRuntime), []);
  assert.ok(
    scripts.some((name) => isRuntime(join(dir, name))),
    'the runtime’s part is there',
  );
  for (const name of scripts)
    assert.doesNotMatch(
      readFileSync(join(dir, name), 'utf8'),
      /(?:from|import\()"(?:node:|onnxruntime-node)/,
      name,
    );
  for (const kind of ['', '.jspi'])
    for (const ending of ['mjs', 'mjs.gz', 'wasm', 'wasm.gz'])
      assert.ok(existsSync(join(dir, 'ort', `ort-wasm-simd-threaded${kind}.${ending}`)));
});

test('every part a script names is there', () => {
  for (const name of scripts)
    for (const [, part] of readFileSync(join(dir, name), 'utf8').matchAll(
      /(?:from|import)\(?"(\.[^"]+\.js)"/g,
    ))
      assert.ok(existsSync(join(dir, name, '..', part!)), `${name} → ${part}`);
});

test('page and style name no other host', () => {
  for (const name of ['index.html', 'style.css'])
    assert.doesNotMatch(readFileSync(join(dir, name), 'utf8'), /(?:https?:)?\/\/[a-z0-9]+\./i);
});
