import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isCodedError } from '@alice/protocol';
import fc from 'fast-check';
import { datasetRoot } from './datasetRoot.js';
import { type Manifest, manifestText, parseManifest } from './manifest.js';

const hash = (digit: string): `0x${string}` => `0x${digit.repeat(64)}`;
const shards: Manifest['shards'] = [
  { id: 0, split: 'train', tokens: 1000, bytes: 2000, sha256: hash('a') },
  { id: 1, split: 'train', tokens: 7, bytes: 14, sha256: hash('b') },
  { id: 2, split: 'validation', tokens: 9, bytes: 18, sha256: hash('c') },
];
const good: Manifest = {
  format: 'alice-shards-1',
  name: 'texts',
  tokenizer: { id: 'gpt2-4096', vocab: 4096, separator: 4095 },
  shardTokens: 1000,
  validationFraction: 0.03,
  seed: 's',
  shards,
  sources: [{ path: 'a/b c.txt', bytes: 12, sha256: hash('d'), documents: 3 }],
  documents: 3,
  duplicatesDropped: 0,
  skipped: 0,
  recipe: hash('e'),
  root: datasetRoot(shards),
};

/** A copy of the good manifest with one value changed; `undefined` removes the field. */
function changed(path: string, value: unknown): string {
  const copy = JSON.parse(manifestText(good));
  const keys = path.split('.');
  const last = keys.pop()!;
  const holder = keys.reduce((object, key) => object[key], copy);
  holder[last] = value;
  return JSON.stringify(copy);
}

function fieldRefused(text: string): string {
  try {
    parseManifest(text, 'm.json');
  } catch (error) {
    assert.ok(isCodedError(error) && error.info.code === 'MANIFEST_INVALID', String(error));
    return (error.info as unknown as { field: string }).field;
  }
  return 'accepted';
}

describe('parseManifest', () => {
  it('reads back what was written', () => {
    assert.deepEqual(parseManifest(manifestText(good), 'm.json'), good);
  });

  const refused: readonly (readonly [string, unknown, string])[] = [
    ['format', 'alice-shards-2', 'format'],
    ['format', undefined, 'format'],
    ['extra', 1, 'extra'],
    ['name', '../x', 'name'],
    ['name', '', 'name'],
    ['tokenizer', null, 'tokenizer.'],
    ['tokenizer.vocab', 65_537, 'tokenizer.vocab'],
    ['tokenizer.separator', 4096, 'tokenizer.separator'],
    ['shardTokens', 999, 'shards[0].tokens'],
    ['seed', 5, 'seed'],
    ['validationFraction', 1, 'validationFraction'],
    ['shards', {}, 'shards'],
    ['shards', [], 'shards'],
    ['shards.0.tokens', -1, 'shards[0].tokens'],
    ['shards.0.tokens', 1.5, 'shards[0].tokens'],
    ['shards.0.tokens', '1000', 'shards[0].tokens'],
    ['shards.0.bytes', 1999, 'shards[0].bytes'],
    ['shards.1.id', 0, 'shards[1].id'],
    ['shards.0.split', 'test', 'shards[0].split'],
    ['shards.0.split', 'validation', 'shards[1].split'],
    ['shards.0.sha256', hash('A'), 'shards[0].sha256'],
    ['shards.0.sha256', hash('f'), 'root'],
    ['shards.2.split', 'train', 'shards'],
    ['documents', 4, 'documents'],
    ['documents', -3, 'documents'],
    ['sources.0.documents', -3, 'sources[0].documents'],
    ['root', hash('0'), 'root'],
    ...['../a', '/a', 'a/../../b', 'a//b', 'C:\\a', 'C:a', 'a\\..\\b', 'a/./b', 'a\u0000', ''].map(
      (path) => ['sources.0.path', path, 'sources[0].path'] as const,
    ),
  ];
  for (const [path, value, field] of refused)
    it(`refuses ${path} = ${JSON.stringify(value)}`, () =>
      assert.equal(fieldRefused(changed(path, value)), field));

  it('refuses anything else by code, and never mistakes it for a manifest', () => {
    const field = fc.constantFrom(
      'shards',
      'sources',
      'tokenizer',
      'documents',
      'root',
      'format',
      '__proto__',
      'shards.0',
      'shards.1.tokens',
    );
    fc.assert(fc.property(fc.string(), (text) => assert.notEqual(fieldRefused(text), 'accepted')));
    fc.assert(fc.property(fc.json(), (text) => assert.notEqual(fieldRefused(text), 'accepted')));
    fc.assert(
      fc.property(fc.nat(), (cut) =>
        assert.notEqual(fieldRefused(manifestText(good).slice(0, cut % 800)), 'accepted'),
      ),
    );
    fc.assert(
      fc.property(field, fc.jsonValue(), (path, value) => {
        const text = changed(path, value);
        const isSame = text === JSON.stringify(good);
        assert.equal(fieldRefused(text) === 'accepted', isSame || path === '__proto__');
      }),
      { numRuns: 2000 },
    );
  });

  it('says file, field and what to do', () => {
    assert.throws(() => parseManifest('{', 'm.json'), {
      message: 'm.json: is not JSON. Build the dataset again, or fetch the manifest again from where it came',
    });
    assert.throws(
      () => parseManifest(changed('format', 'x'), 'm.json'),
      /^DataError: m\.json, field format: must be 'alice-shards-1'/,
    );
  });
});

it('the root changes with content, order and split of the shards', () => {
  const [a, b, c] = shards as [Manifest['shards'][0], Manifest['shards'][0], Manifest['shards'][0]];
  const roots = [
    shards,
    [b, a, c],
    [a, b],
    [a, { ...b, split: 'validation' as const }, c],
    [a, { ...b, sha256: hash('0') }, c],
  ].map(datasetRoot);
  assert.equal(new Set(roots).size, roots.length);
});
