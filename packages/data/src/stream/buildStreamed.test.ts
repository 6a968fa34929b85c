import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { diffManifests } from '../audit/diffManifests.js';
import { verifyAgainstSource } from '../audit/verifyAgainstSource.js';
import { verifyNearSplits } from '../audit/verifyNearSplits.js';
import { verifySplits } from '../audit/verifySplits.js';
import { BLOCKS_FILE, blockHashRange, bytesToFetch } from '../blockLayout.js';
import { buildDataset } from '../build/buildDataset.js';
import type { BuildDatasetOptions } from '../build/buildOptions.js';
import type { Manifest } from '../manifest.js';
import { openDataset } from '../openDataset.js';
import { tokensOfBlocks } from '../shardBlocks.js';
import { byteTokenizer } from '../testing/byteTokenizer.js';
import { hubServer } from '../testing/hubServer.js';
import { parquetFile } from '../testing/parquetFile.js';
import { prose } from '../testing/prose.js';
import { temporaryFolder } from '../testing/temporaryFolder.js';
import { zstdFrame } from '../testing/zstdFrame.js';
import { verifyDataset } from '../verifyDataset.js';
import { findDuplicates } from './findDuplicates.js';
import { PartWriter, partFiles } from './PartFiles.js';

const tokenizerModule = {
  url: new URL('../testing/byteTokenizer.js', import.meta.url).href,
  open: 'openByteTokenizer',
  id: 'bytes',
};

function build(
  source: string,
  outDir: string,
  changes: Partial<BuildDatasetOptions> = {},
): Promise<Manifest> {
  return buildDataset({ source, outDir, tokenizer: byteTokenizer, seed: 'seed', stream: true, ...changes });
}

/** Documents of file i; every seventh is also in the next file. */
function texts(i: number, documents = 60): string[] {
  return Array.from({ length: documents }, (_, j) =>
    prose(j % 7 === 0 && i > 0 ? `${i - 1}/${j + 1}` : `${i}/${j}`, 500),
  );
}

function jsonl(documents: readonly string[]): Buffer {
  return Buffer.from(documents.map((text) => `${JSON.stringify({ text })}\n`).join(''));
}

function sources(count: number): Record<string, Uint8Array> {
  return Object.fromEntries(
    Array.from({ length: count }, (_, i) => [`chunk${i % 2}/f${i}.jsonl.zst`, zstdFrame(jsonl(texts(i)))]),
  );
}

function content(dir: string): Record<string, string> {
  const names = readdirSync(dir)
    .filter((name) => name !== '.build')
    .sort();
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(dir, name), 'hex')]));
}

it('gives the same bytes whatever the number of threads, without overlap of splits, each run provable from its source', async (t) => {
  const source = temporaryFolder(t, sources(9));
  const out = temporaryFolder(t);
  const settings = { auditFraction: 0.05, validationFraction: 0.1 };
  const manifest = await build(source, join(out, '0'), settings);
  for (const workers of [1, 3]) {
    await build(source, join(out, `${workers}`), { ...settings, workers, tokenizerModule });
    assert.deepEqual(content(join(out, `${workers}`)), content(join(out, '0')));
  }
  assert.equal(manifest.duplicatesDropped, 8 * 9);
  assert.equal(manifest.documents, 9 * 60 - 72);
  assert.deepEqual([...new Set(manifest.shards.map((s) => s.split))], ['train', 'validation', 'audit']);
  assert.deepEqual((await verifyDataset(join(out, '0'), { tokenizer: byteTokenizer })).problems, []);

  const dataset = openDataset(join(out, '0'));
  assert.deepEqual(await verifySplits(dataset), []);
  const check = { dataset, source, tokenizer: byteTokenizer, samples: 30, seed: 'c' };
  const proof = await verifyAgainstSource(check);
  assert.deepEqual(proof.problems, []);
  assert.ok(proof.documents > 30);
  const begun = manifest.shards.flatMap((s) => s.runs ?? []).reduce((sum, run) => sum + run.documents, 0);
  assert.equal(begun, manifest.documents, 'each document begins in exactly one run');

  writeFileSync(join(source, 'chunk0/f0.jsonl.zst'), zstdFrame(jsonl(texts(99))));
  const disproof = await verifyAgainstSource({ ...check, samples: 200 });
  assert.ok(
    disproof.problems.some(({ message }) =>
      message.includes('chunk0/f0.jsonl.zst: the file has another hash'),
    ),
  );
});

it('finds a document that is in two splits', async (t) => {
  const dir = temporaryFolder(t);
  await build(temporaryFolder(t, sources(3)), dir, { shardTokens: 5000, validationFraction: 0.2 });
  const dataset = openDataset(dir);
  const held = dataset.manifest.shards.find((s) => s.split === 'validation')!;
  const leaky = { manifest: dataset.manifest, shard: (id: number) => dataset.shard(id === 0 ? held.id : id) };
  assert.equal((await verifySplits(leaky))[0]?.code, 'SPLIT_OVERLAP');
});

it('goes on after kill -9 wherever it struck, reads no finished file again, and ends with the same bytes', async (t) => {
  const source = temporaryFolder(t, sources(12));
  const [whole, killed] = [temporaryFolder(t), temporaryFolder(t)];
  await build(source, whole);
  const script = fileURLToPath(new URL('../testing/buildChild.js', import.meta.url));
  const finished = new Map<string, number>();
  for (const stopAt of ['tokenize 2', 'tokenize 5', 'write 3']) {
    const child = fork(script, [source, killed, stopAt]);
    const [, signal] = await once(child, 'exit');
    assert.equal(signal, 'SIGKILL', stopAt);
    assert.equal(existsSync(join(killed, 'manifest.json')), false);
    for (const name of readdirSync(join(killed, '.build')).filter(
      (n) => n.endsWith('.json') && n !== 'plan.json',
    )) {
      const { ino } = statSync(join(killed, '.build', name));
      assert.equal(finished.get(name) ?? ino, ino, 'a finished part is not made again');
      finished.set(name, ino);
    }
  }
  assert.equal(finished.size, 12);
  const shard = statSync(join(killed, 'shard-000000.bin')).ino;
  await build(source, killed);
  assert.deepEqual(content(killed), content(whole));
  assert.equal(
    statSync(join(killed, 'shard-000000.bin')).ino,
    shard,
    'a finished shard is not written again',
  );
  assert.deepEqual(readdirSync(join(killed, '.build')), ['plan.json']);
});

it('keeps to a number of shards or tokens, reads no more files than it needs, and says when there is too little', async (t) => {
  const source = temporaryFolder(t, sources(12));
  const out = temporaryFolder(t);
  const limits = { shards: 20, validationShards: 3, auditShards: 2, shardTokens: 5000 };
  const manifest = await build(source, join(out, 'a'), limits);
  const count = (split: string): number => manifest.shards.filter((s) => s.split === split).length;
  assert.deepEqual([count('train'), count('validation'), count('audit')], [15, 3, 2]);
  assert.ok(manifest.sources.length < 12, `${manifest.sources.length}`);
  await build(source, join(out, 'b'), { ...limits, workers: 4, tokenizerModule });
  assert.deepEqual(content(join(out, 'b')), content(join(out, 'a')));
  const few = await build(source, join(out, 'c'), { tokens: 60_000 });
  const tokens = few.shards.reduce((sum, s) => sum + s.tokens, 0);
  assert.ok(tokens <= 60_000 && tokens > 57_000, `${tokens}`);
  await assert.rejects(build(source, join(out, 'd'), { shards: 60_001 }), { code: 'SOURCE_TOO_SMALL' });
});

it('keeps a document on its side when sources are added, and tells the difference', async (t) => {
  const all = sources(8);
  const some = Object.fromEntries(Object.entries(all).slice(0, 5));
  const [before, after] = [temporaryFolder(t), temporaryFolder(t)];
  const a = await build(temporaryFolder(t, some), before);
  const b = await build(temporaryFolder(t, all), after);
  const [small, large] = [openDataset(before), openDataset(after)];
  const mixed = {
    manifest: {
      ...a,
      shards: [
        ...a.shards.filter((s) => s.split === 'validation'),
        ...b.shards.filter((s) => s.split === 'train').map((s) => ({ ...s, id: s.id + 1000 })),
      ],
    },
    shard: (id: number) => (id >= 1000 ? large.shard(id - 1000) : small.shard(id)),
  };
  assert.deepEqual(await verifySplits(mixed), []);
  const diff = diffManifests(a, b);
  assert.deepEqual([...diff.sourcesAdded].sort(), Object.keys(all).slice(5).sort());
  assert.deepEqual([diff.isSame, diff.sourcesRemoved, diff.sourcesChanged], [false, [], []]);
  assert.ok(diff.settings.includes(`documents: ${a.documents} → ${b.documents}`));
  assert.deepEqual(diffManifests(a, a), {
    ...{ isSame: true, sourcesAdded: [], sourcesRemoved: [], sourcesChanged: [], settings: [] },
    ...{ shardsKept: a.shards.length, shardsBefore: a.shards.length, shardsAfter: a.shards.length },
  });
  const { nearDuplicates: _, ...ignoring } = a;
  const other = { ...ignoring, reading: { ...a.reading!, textField: 'content' } };
  assert.deepEqual(diffManifests(a, other).settings, [
    'textField: text → content',
    'near-duplicates: keep → ignore',
  ]);
});

it('stops at a fault, or leaves it out and says so; notices a source that changed between runs', async (t) => {
  const files = sources(6);
  const cut = files['chunk1/f3.jsonl.zst']!;
  const source = temporaryFolder(t, { ...files, 'chunk1/f3.jsonl.zst': cut.subarray(0, cut.length - 5000) });
  const out = temporaryFolder(t);
  await assert.rejects(build(source, out), {
    info: {
      code: 'SOURCE_BROKEN',
      path: 'chunk1/f3.jsonl.zst',
      byteOffset: cut.length - 5000,
      reason: 'the file ends inside a zstd frame',
    },
  });
  const skipping = temporaryFolder(t);
  const manifest = await build(source, skipping, { onInvalid: 'skip', workers: 2, tokenizerModule });
  const faulty = manifest.sources.find((s) => s.path === 'chunk1/f3.jsonl.zst');
  assert.deepEqual(faulty?.faults, [{ code: 'SOURCE_BROKEN', offset: cut.length - 5000 }]);
  assert.equal(manifest.skipped, 1);
  assert.ok(faulty!.documents > 30);

  writeFileSync(join(source, 'chunk1/f3.jsonl.zst'), cut);
  utimesSync(join(source, 'chunk1/f3.jsonl.zst'), 1, 1);
  await assert.rejects(build(source, out), { info: { code: 'SOURCE_CHANGED', path: 'chunk1/f3.jsonl.zst' } });
  const repaired = await build(source, out, { replace: true });
  assert.equal(repaired.root, (await build(temporaryFolder(t, files), temporaryFolder(t))).root);
  await assert.rejects(build(source, out, { seed: 'other' }), { code: 'OUTPUT_OCCUPIED' });
});

it('builds from a hub through redirects, pages, broken connections and busy answers, and keeps the token to itself', async (t) => {
  const parquet = parquetFile(texts(20, 200));
  const files = { ...sources(7), 'more/p.parquet': parquet, 'README.md': Buffer.from('no') };
  const hub = await hubServer(t, {
    files,
    token: 'hf_secret',
    failWith: (n) => (n === 2 ? 503 : undefined),
    breakAfter: (n) => (n % 3 === 1 ? 3000 : undefined),
  });
  const before = { HF_ENDPOINT: process.env['HF_ENDPOINT'], HF_TOKEN: process.env['HF_TOKEN'] };
  t.after(() => {
    for (const [key, value] of Object.entries(before))
      if (value === undefined) delete process.env[key];
      else process.env[key] = value;
  });
  process.env['HF_ENDPOINT'] = hub.endpoint;
  await assert.rejects(build('hf:own/set', temporaryFolder(t)), (error: Error) => {
    assert.match(error.message, /HF_TOKEN/);
    return true;
  });
  process.env['HF_TOKEN'] = 'hf_secret';
  const out = temporaryFolder(t);
  const manifest = await build('hf:own/set', out);
  assert.equal(manifest.reading?.source, `hf:own/set@${'c0ffee'.padEnd(40, '0')}`);
  assert.ok(
    hub.storageRequests.some(({ range }) => range !== undefined),
    'broken connections were taken up again',
  );
  assert.ok(
    hub.storageRequests.every(({ authorization }) => authorization === undefined),
    'the token stays with the hub',
  );
  assert.ok(!readFileSync(join(out, 'manifest.json'), 'utf8').includes('hf_secret'));
  const local = await build(temporaryFolder(t, files), temporaryFolder(t));
  assert.equal(manifest.root, local.root);
  const folder = await build(`${hub.storage}/`, temporaryFolder(t));
  assert.equal(folder.root, local.root);
});

it('keeps near-duplicates out of other splits or out altogether, the same with any number of threads and after a kill', async (t) => {
  // Every third document is a lightly edited one of another file.
  const edited = (i: number, j: number): string =>
    j % 3 === 0 && i > 0
      ? prose(`${i - 1}/${j + 1}`, 900).replace(/whale\d+/, 'another')
      : prose(`${i}/${j}`, 900);
  const files = Object.fromEntries(
    Array.from({ length: 8 }, (_, i) => [
      `f${i}.jsonl`,
      jsonl(Array.from({ length: 60 }, (_, j) => edited(i, j))),
    ]),
  );
  const source = temporaryFolder(t, files);
  const out = temporaryFolder(t);
  const settings = { validationFraction: 0.2, auditFraction: 0.1 };
  const decode = byteTokenizer;
  const ignored = await build(source, join(out, 'ignore'), { ...settings, nearDuplicates: 'ignore' });
  assert.equal(ignored.nearDuplicates, undefined);
  const leaks = await verifyNearSplits(openDataset(join(out, 'ignore')), decode);
  // 7 × 20 edited ones, of which 46 % lie apart from their original; a few differ in too many shingles.
  assert.ok(leaks.near > 40 && leaks.near < 90, `${leaks.near}`);
  assert.equal(leaks.examples.length, 10);
  const kept = await build(source, join(out, 'keep'), settings);
  assert.equal((await verifyNearSplits(openDataset(join(out, 'keep')), decode)).near, 0);
  assert.equal(kept.nearDuplicates?.mode, 'keep');
  assert.equal(kept.nearDuplicates.dropped, ignored.documents - kept.documents);
  assert.ok(kept.nearDuplicates.dropped > 40 && kept.nearDuplicates.dropped < 90);
  const dropped = await build(source, join(out, 'drop'), { ...settings, nearDuplicates: 'drop' });
  assert.ok(dropped.nearDuplicates!.dropped > 130 && dropped.nearDuplicates!.dropped <= 140);
  assert.equal((await verifyNearSplits(openDataset(join(out, 'drop')), decode)).near, 0);
  await build(source, join(out, 'threads'), { ...settings, workers: 3, tokenizerModule });
  assert.deepEqual(content(join(out, 'threads')), content(join(out, 'keep')));
  // The other way, from the parts of an interrupted build.
  const script = fileURLToPath(new URL('../testing/buildChild.js', import.meta.url));
  await once(fork(script, [source, join(out, 'killed'), 'write 2']), 'exit');
  const whole = await build(source, join(out, 'whole'), { nearDuplicates: 'drop' });
  const again = await build(source, join(out, 'killed'), { nearDuplicates: 'drop' });
  assert.equal(again.root, whole.root);
  assert.deepEqual(content(join(out, 'killed')), content(join(out, 'whole')));
});

it('lets a part of a shard be fetched and checked alone', async (t) => {
  const dir = temporaryFolder(t);
  const manifest = await build(temporaryFolder(t, sources(12)), dir, { shardTokens: 100_000 });
  const hashes = readFileSync(join(dir, BLOCKS_FILE));
  const shard = manifest.shards[1]!;
  const range = blockHashRange(manifest.shards, 1);
  const own = hashes.subarray(range.from, range.to);
  const file = readFileSync(join(dir, 'shard-000001.bin'));
  const { from, to } = bytesToFetch(shard, { first: 40_000, count: 10_000 });
  assert.deepEqual([from, to], [65_536, 131_072]);
  const fetched = {
    shard: { bytes: shard.bytes, blocks: shard.blocks! },
    hashes: own,
    bytes: file.subarray(from, to),
    from,
  };
  const tokens = tokensOfBlocks(fetched)!;
  const expected = (await openDataset(dir).shard(1)).subarray(32_768, 65_536);
  assert.deepEqual(tokens, new Uint16Array(expected));
  const forged = Buffer.from(fetched.bytes);
  forged[77]! ^= 1;
  assert.equal(tokensOfBlocks({ ...fetched, bytes: forged }), null);
  assert.equal(tokensOfBlocks({ ...fetched, from: 0 }), null);
  assert.equal(
    tokensOfBlocks({ ...fetched, hashes: Buffer.concat([own.subarray(32), own.subarray(0, 32)]) }),
    null,
  );
  writeFileSync(join(dir, BLOCKS_FILE), hashes.subarray(0, range.from + 5));
  const codes = (await verifyDataset(dir)).problems.map(
    ({ info }) => `${info.code} ${'shard' in info ? info.shard : ''}`,
  );
  assert.equal(codes[0], 'BLOCKS_INVALID 1');
});

it('finds duplicates the same with one bucket or many', async (t) => {
  const dir = temporaryFolder(t);
  const names = [0, 1, 2].map((i) => partFiles(dir, { path: `p${i}`, version: '' }));
  const expected: number[] = [];
  const seen = new Set<number>();
  for (const [i, name] of names.entries()) {
    const writer = await PartWriter.create(name);
    for (let j = 0; j < 400; j++) {
      const value = (j * 7 + i * 13) % 500;
      if (seen.has(value)) expected.push(i * 400 + j);
      seen.add(value);
      const fingerprint = Buffer.alloc(16);
      fingerprint.writeUInt32LE(value, 8);
      const place = { from: j, to: j + 1 };
      await writer.append({
        ...place,
        fingerprint,
        split: 'train',
        tokens: Uint16Array.of(1),
        signature: null,
      });
    }
    await writer.finish({} as never);
  }
  for (const bucketDocuments of [10, 300, 1 << 20]) {
    const bits = await findDuplicates({
      parts: names,
      documents: 1200,
      scratchDir: join(dir, 's'),
      bucketDocuments,
    });
    assert.deepEqual(
      Array.from({ length: 1200 }, (_, k) => k).filter((k) => bits.has(k)),
      expected,
    );
  }
});
