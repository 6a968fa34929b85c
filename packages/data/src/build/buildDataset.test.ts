import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { concatBytes } from '@alice/protocol';
import { DataError } from '../errors.js';
import type { Manifest, Split } from '../manifest.js';
import { openDataset } from '../openDataset.js';
import { bytesToTokens, tokensToBytes } from '../shardBytes.js';
import { byteTokenizer } from '../testing/byteTokenizer.js';
import { prose } from '../testing/prose.js';
import { temporaryFolder } from '../testing/temporaryFolder.js';
import { verifyDataset } from '../verifyDataset.js';
import { buildDataset } from './buildDataset.js';
import type { BuildDatasetOptions, BuildProgress } from './buildOptions.js';

type Changes = Partial<BuildDatasetOptions>;

function build(source: string, outDir: string, changes: Changes = {}): Promise<Manifest> {
  return buildDataset({ source, outDir, tokenizer: byteTokenizer, seed: 'seed', ...changes });
}

function content(dir: string): Record<string, string> {
  return Object.fromEntries(
    readdirSync(dir)
      .sort()
      .map((name) => [name, readFileSync(join(dir, name), 'hex')]),
  );
}

/** The documents of a split as text, in the order of the shards. */
async function documentsIn(dir: string, split: Split): Promise<string[]> {
  const dataset = openDataset(dir);
  const own = dataset.manifest.shards.filter((shard) => shard.split === split);
  const parts = await Promise.all(own.map((shard) => dataset.shard(shard.id)));
  const tokens = bytesToTokens(concatBytes(...parts.map(tokensToBytes)));
  const documents: string[] = [];
  for (let from = 0; from < tokens.length; ) {
    const end = tokens.indexOf(byteTokenizer.separator, from);
    documents.push(byteTokenizer.decode(tokens.subarray(from, end)));
    from = end + 1;
  }
  return documents;
}

function files(t: TestContext, count = 40, bytes = 2000): string {
  return temporaryFolder(
    t,
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`f${i}.txt`, prose(`p${i}`, bytes)])),
  );
}

describe('buildDataset', () => {
  it('gives the same bytes for the same text, whatever the file names and line ends', async (t) => {
    const [source, out] = [files(t), temporaryFolder(t)];
    const manifest = await build(source, join(out, 'a'));
    await build(source, join(out, 'b'));
    assert.deepEqual(content(join(out, 'a')), content(join(out, 'b')));

    const renamed = temporaryFolder(t);
    mkdirSync(join(renamed, 'sub'));
    for (const [i, name] of readdirSync(source).entries())
      writeFileSync(
        join(renamed, i % 2 === 0 ? `sub/z${name}` : `${99 - i}.TXT`),
        `\ufeff${readFileSync(join(source, name), 'utf8').replaceAll('\n', i % 3 === 0 ? '\r' : '\r\n')}`,
      );
    assert.equal((await build(renamed, join(out, 'c'))).root, manifest.root);
    assert.notEqual((await build(source, join(out, 'd'), { seed: 'other' })).root, manifest.root);
    assert.equal((await verifyDataset(join(out, 'a'), { tokenizer: byteTokenizer })).problems.length, 0);
  });

  it('puts every document once into exactly one split, whole, and drops duplicates', async (t) => {
    const source = files(t);
    writeFileSync(join(source, 'again.txt'), readFileSync(join(source, 'f3.txt')));
    const out = temporaryFolder(t);
    const manifest = await build(source, out);
    assert.equal(manifest.duplicatesDropped, 1);
    const [train, validation] = [await documentsIn(out, 'train'), await documentsIn(out, 'validation')];
    const expected = readdirSync(source).map((name) => readFileSync(join(source, name), 'utf8'));
    assert.deepEqual([...train, ...validation].sort(), [...new Set(expected)].sort());
    assert.equal(new Set([...train, ...validation]).size, train.length + validation.length);
    assert.equal(train.length + validation.length, manifest.documents);
    assert.notDeepEqual(train, [...train].sort(), 'the documents are shuffled');
  });

  it('makes at least 64 shards of a small text, two of them for validation, all but the last of a split full', async (t) => {
    const manifest = await build(files(t), temporaryFolder(t));
    const tokens = manifest.shards.reduce((sum, shard) => sum + shard.tokens, 0);
    assert.equal(manifest.shardTokens, Math.floor(tokens / 64));
    assert.ok(manifest.shards.length >= 64);
    for (const split of ['train', 'validation'] as const) {
      const own = manifest.shards.filter((shard) => shard.split === split);
      assert.ok(own.length >= 2);
      for (const shard of own.slice(0, -1)) assert.equal(shard.tokens, manifest.shardTokens);
    }
    const held = manifest.shards.reduce((sum, s) => (s.split === 'validation' ? sum + s.tokens : sum), 0);
    assert.ok(held >= 0.03 * tokens && held < 0.07 * tokens, `${held} of ${tokens}`);
  });

  it('keeps two validation shards when the caller asks for shards larger than the text', async (t) => {
    const manifest = await build(files(t), temporaryFolder(t), {
      shardTokens: 1_000_000,
      validationFraction: 0.1,
    });
    assert.deepEqual(
      manifest.shards.map((shard) => shard.split),
      ['train', 'validation', 'validation'],
    );
  });

  it('has nothing to do over the same finished dataset, and repairs a damaged one', async (t) => {
    const [source, out] = [files(t), temporaryFolder(t)];
    await build(source, out);
    const before = content(out);
    const inode = statSync(join(out, 'shard-000003.bin')).ino;
    const stages: string[] = [];
    await build(source, out, { onProgress: ({ stage }) => stages.push(stage) });
    assert.deepEqual(stages, ['inventory', 'done']);
    assert.equal(statSync(join(out, 'shard-000003.bin')).ino, inode);
    truncateSync(join(out, 'shard-000003.bin'), 10);
    await build(source, out);
    assert.deepEqual(content(out), before);
  });

  it('rebuilds over what a killed build left, and removes only files of its own', async (t) => {
    const [source, out] = [files(t), temporaryFolder(t)];
    await build(source, join(out, 'whole'));
    const half = join(out, 'half');
    mkdirSync(half);
    for (const name of [
      'shard-000000.bin',
      'shard-999999.bin',
      'shard-000001.bin.tmp',
      'tokens.tmp',
      'manifest.json.tmp',
    ])
      writeFileSync(join(half, name), 'junk');
    writeFileSync(join(half, 'notes.bin'), 'mine');
    await build(source, half);
    assert.deepEqual(content(half), {
      ...content(join(out, 'whole')),
      'notes.bin': Buffer.from('mine').toString('hex'),
    });
  });

  it('leaves no manifest and no temporary file when aborted, and then builds as if nothing had been', async (t) => {
    const [source, out] = [files(t), temporaryFolder(t)];
    const abort = new AbortController();
    const onProgress = ({ stage, done, total }: BuildProgress): void => {
      if (stage === 'write' && done > total / 2) abort.abort(new Error('stop'));
    };
    await assert.rejects(build(source, out, { signal: abort.signal, onProgress }), { message: 'stop' });
    const left = readdirSync(out);
    assert.ok(
      left.includes('shard-000000.bin') && left.every((name) => /^shard-\d+\.bin$/.test(name)),
      left.join(),
    );
    const root = (await build(source, out)).root;
    assert.equal((await build(source, temporaryFolder(t))).root, root);
  });

  it('overwrites another dataset only when told to', async (t) => {
    const [source, out] = [files(t), temporaryFolder(t)];
    const first = await build(source, out);
    await assert.rejects(build(source, out, { seed: 'other' }), { code: 'OUTPUT_OCCUPIED' });
    assert.equal(openDataset(out).manifest.root, first.root);
    const second = await build(source, out, { seed: 'other', replace: true, shardTokens: 5000 });
    assert.equal(openDataset(out).manifest.root, second.root);
    assert.equal(readdirSync(out).length, second.shards.length + 2);
  });

  it('takes odd names, nested folders, and text of any script', async (t) => {
    const names = [
      'sp ace.txt',
      'день/海 🐋.txt',
      'qu\'o"te.TXT',
      'per%cent.txt',
      'a:b.txt',
      'back\\slash.txt',
      'new\nline.txt',
      '-dash.txt',
      'x.jsonl',
    ];
    const source = temporaryFolder(t, {
      ...Object.fromEntries(names.map((name) => [name, prose(name, 9000)])),
      'x.jsonl': JSON.stringify({ text: prose('json', 9000) }),
      '.hidden.txt': 'never',
      'image.png': Uint8Array.of(0xff),
    });
    const out = temporaryFolder(t);
    const manifest = await build(source, out);
    assert.deepEqual(
      manifest.sources.map(({ path }) => path).sort(),
      [
        'sp ace.txt',
        'день/海 🐋.txt',
        'qu\'o"te.TXT',
        'per%25cent.txt',
        'a%3Ab.txt',
        'back%5Cslash.txt',
        'new%0Aline.txt',
        '-dash.txt',
        'x.jsonl',
      ].sort(),
    );
    assert.deepEqual(openDataset(out).manifest, manifest);
    const text = [...(await documentsIn(out, 'train')), ...(await documentsIn(out, 'validation'))].join('');
    for (const name of names.filter((n) => n !== 'x.jsonl'))
      assert.ok(text.includes(prose(name, 9000).slice(0, 300)), name);
  });

  it('refuses invalid text with file and byte, or skips and counts it', async (t) => {
    const source = files(t);
    const path = join(source, 'zz.txt');
    writeFileSync(path, Buffer.concat([Buffer.from('fine '), Buffer.of(0xff, 0xfe)]));
    writeFileSync(join(source, 'lines.jsonl'), '{"text":"kept"}\n{"no":1}\n');
    const out = temporaryFolder(t);
    await assert.rejects(build(source, out), { info: { code: 'TEXT_NOT_UTF8', path, byteOffset: 5 } });
    const manifest = await build(source, out, { onInvalid: 'skip' });
    assert.equal(manifest.skipped, 2);
    assert.deepEqual(
      manifest.sources
        .filter(({ path: p }) => p === 'zz.txt' || p === 'lines.jsonl')
        .map((s) => [s.path, s.documents, s.faults]),
      [
        ['lines.jsonl', 1, [{ code: 'JSON_LINE_INVALID', offset: 16 }]],
        ['zz.txt', 0, [{ code: 'TEXT_NOT_UTF8', offset: 5 }]],
      ],
    );
  });

  it('says what is wrong with a source and what to do', async (t) => {
    const out = temporaryFolder(t);
    const refusal = async (source: string, changes: Changes = {}): Promise<string> => {
      const error = await build(source, join(out, 'x'), changes).catch((e: unknown) => e);
      assert.ok(error instanceof DataError, String(error));
      return `${error.code}: ${error.message.replaceAll(source, 'SOURCE')}`;
    };
    const missing = join(out, 'nowhere');
    assert.equal(await refusal(missing), 'SOURCE_MISSING: there is nothing at SOURCE: check the path');
    assert.match(
      await refusal(temporaryFolder(t, { 'a.png': 'x' })),
      /^SOURCE_EMPTY: SOURCE holds no \.txt or \.jsonl file/,
    );
    assert.match(
      await refusal(temporaryFolder(t, { 'a.txt': ' \n' })),
      /^SOURCE_EMPTY: SOURCE: none of 1 file\(s\) holds any text/,
    );
    assert.match(await refusal(join(temporaryFolder(t, { 'a.pdf': 'x' }), 'a.pdf')), /^SOURCE_UNSUPPORTED/);
    assert.match(
      await refusal(temporaryFolder(t, { 'a.txt': 'too short' })),
      /^TEXT_TOO_SHORT: the text has 10 tokens .* at least 50000 /,
    );
    const one = temporaryFolder(t, {
      'a.txt': 'x'.repeat(4000),
      'b.jsonl': JSON.stringify({ text: 'y'.repeat(4096) }),
    });
    assert.match(await refusal(one), /^TEXT_TOO_SHORT/);
    const same = temporaryFolder(t, { 'a.txt': 'x'.repeat(4096 * 40) });
    assert.match(await refusal(same), /^TEXT_TOO_SHORT: .* after duplicates were dropped/);
    assert.match(await refusal(missing, { validationFraction: 0.5 }), /^OPTION_INVALID/);
    assert.match(await refusal(missing, { shardTokens: 10 }), /^OPTION_INVALID/);
    assert.match(
      await refusal(missing, { tokenizer: { ...byteTokenizer, vocab: 70_000 } }),
      /^OPTION_INVALID/,
    );
    assert.ok(!existsSync(join(out, 'x')), 'a build that came to nothing leaves no folder');
  });

  it('builds the built-in corpus: one document a speech, one a chapter', async (t) => {
    const out = temporaryFolder(t);
    const manifest = await build('builtin', out);
    assert.deepEqual([manifest.name, manifest.documents, manifest.duplicatesDropped], ['builtin', 372, 0]);
    assert.equal(manifest.sources.filter(({ path }) => path.startsWith('moby-dick/')).length, 139);
    const bytes = manifest.sources.reduce((sum, source) => sum + source.bytes, 0);
    assert.equal(openDataset(out).tokensOf('train') + openDataset(out).tokensOf('validation'), bytes + 372);
    const all = await documentsIn(out, 'train');
    assert.ok(
      [...all, ...(await documentsIn(out, 'validation'))].some((text) =>
        text.startsWith('CHAPTER 1. Loomings.\n\nCall me Ishmael.'),
      ),
    );
  });
});

describe('openDataset', () => {
  it('names the file and the remedy when a shard is damaged, cut, or gone, and reads it once it is repaired', async (t) => {
    const out = temporaryFolder(t);
    await build(files(t), out);
    const file = join(out, 'shard-000002.bin');
    const bytes = readFileSync(file);
    const dataset = openDataset(out);

    const damaged = Buffer.from(bytes);
    damaged[7]! ^= 1;
    writeFileSync(file, damaged);
    await assert.rejects(dataset.shard(2), (error: DataError) => {
      assert.equal(error.code, 'SHARD_HASH_MISMATCH');
      assert.ok(error.message.includes(file) && error.message.includes('build the dataset again'));
      return true;
    });
    truncateSync(file, 100);
    await assert.rejects(dataset.shard(2), {
      info: { code: 'SHARD_TRUNCATED', shard: 2, file, wantBytes: bytes.length, gotBytes: 100 },
    });
    renameSync(file, `${file}.away`);
    await assert.rejects(dataset.shard(2), { info: { code: 'SHARD_MISSING', shard: 2, file } });
    await assert.rejects(dataset.shard(9999), { code: 'SHARD_UNKNOWN' });
    await assert.rejects(dataset.shard(-1), { code: 'SHARD_UNKNOWN' });
    assert.deepEqual(
      (await verifyDataset(out)).problems.map(({ info }) => info.code),
      ['SHARD_MISSING'],
    );

    writeFileSync(file, bytes);
    assert.deepEqual(Buffer.from((await dataset.shard(2)).buffer), bytes);
    assert.equal(await dataset.shard(2), await dataset.shard(2), 'the second reading comes from memory');
    rmSync(join(out, 'manifest.json'));
    assert.throws(() => openDataset(out), { code: 'MANIFEST_MISSING' });
  });

  it('verifyDataset finds a foreign tokenizer, ids out of bounds, and a wrong number of documents', async (t) => {
    const [source, out] = [files(t), temporaryFolder(t)];
    await build(source, out);
    const foreign = { id: 'gpt2', vocab: 50_257, separator: 50_256 };
    assert.deepEqual(
      (await verifyDataset(out, { tokenizer: foreign })).problems.map(({ info }) => info.code),
      ['TOKENIZER_MISMATCH'],
    );
    const lying = { ...byteTokenizer, id: 'lying', vocab: 200, separator: 10 };
    const other = temporaryFolder(t);
    await build(source, other, { tokenizer: lying });
    const codes = new Set((await verifyDataset(other)).problems.map(({ info }) => info.code));
    assert.ok(codes.has('SHARD_TOKEN_OUT_OF_RANGE'));
    const newline = { ...byteTokenizer, separator: 10 };
    const miscounted = temporaryFolder(t);
    await build(source, miscounted, { tokenizer: newline });
    assert.deepEqual(
      (await verifyDataset(miscounted)).problems.map(({ info }) => info.code),
      ['DOCUMENTS_MISCOUNTED'],
    );
  });
});
