import assert from 'node:assert/strict';
import { utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import { buildDataset } from '../build/buildDataset.js';
import type { DataError } from '../errors.js';
import type { Manifest } from '../manifest.js';
import { partFiles } from '../stream/PartFiles.js';
import { tokenizePart } from '../stream/tokenizePart.js';
import { byteTokenizer } from '../testing/byteTokenizer.js';
import { hubServer } from '../testing/hubServer.js';
import { parquetFile } from '../testing/parquetFile.js';
import { prose } from '../testing/prose.js';
import { temporaryFolder } from '../testing/temporaryFolder.js';
import { zstdFrame } from '../testing/zstdFrame.js';
import { listSource } from './listSource.js';
import { ReadAccount } from './openBytes.js';
import { type ReadingOptions, streamDocuments } from './streamDocuments.js';

const LINE_LIMIT = 4096;
const texts = Array.from({ length: 20 }, (_, i) => prose(`bad${i}`, 400));
const json = Buffer.from(texts.map((text) => `${JSON.stringify({ text })}\n`).join(''));
const zst = zstdFrame(json);
const gz = gzipSync(json);
const parquet = parquetFile(texts, { groupRows: 10 });
const checked = parquetFile(texts, { checksums: true });

function changed(bytes: Buffer, at: number, change: (byte: number) => number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = change(copy[at]!);
  return copy;
}

const withLine = (line: string | Buffer): Buffer => Buffer.concat([json, Buffer.from(line), json]);
const inside = parquet.indexOf(texts[0]!.slice(0, 20));

/** Content, and the one fault it must give: "code@place", or only the code where the format says no more. */
const CASES: Readonly<Record<string, readonly [content: Buffer, fault: string]>> = {
  'cut-off.jsonl.zst': [zst.subarray(0, 3000), 'SOURCE_BROKEN@3000'],
  'cut-in-checksum.jsonl.zst': [zst.subarray(0, -1), `SOURCE_BROKEN@${zst.length - 1}`],
  'no-frame.jsonl.zst': [Buffer.from('this was never compressed'), 'SOURCE_BROKEN@0'],
  'flipped-bit.jsonl.zst': [changed(zst, 2500, (b) => b ^ 4), `SOURCE_BROKEN@${zst.length - 4}`],
  'impossible-block.jsonl.zst': [changed(zst, 6, (b) => b | 6), 'SOURCE_BROKEN@6'],
  'rubbish-behind.jsonl.zst': [Buffer.concat([zst, Buffer.from('rubbish!')]), `SOURCE_BROKEN@${zst.length}`],
  // A window of two terabytes.
  'endless-window.jsonl.zst': [changed(zst, 5, () => 0xf8), 'SOURCE_BROKEN@0'],
  'cut-off.jsonl.gz': [gz.subarray(0, -9), 'SOURCE_BROKEN'],
  'flipped-bit.jsonl.gz': [changed(gz, gz.length - 6, (b) => b ^ 4), 'SOURCE_BROKEN'],
  'no-gzip.jsonl.gz': [Buffer.from('this was never compressed'), 'SOURCE_BROKEN'],
  'empty.jsonl.gz': [Buffer.alloc(0), 'SOURCE_BROKEN@0'],
  'not-utf8.jsonl': [
    withLine(Buffer.from('{"text":"\xff"}\n', 'latin1')),
    `TEXT_NOT_UTF8@${json.length + 9}`,
  ],
  'long-line.jsonl': [withLine(`{"text":"${'x'.repeat(5000)}"}\n`), `JSON_LINE_INVALID@${json.length}`],
  'endless-line.jsonl': [Buffer.alloc(100_000, 'x'), 'JSON_LINE_INVALID@0'],
  'no-field.jsonl': [withLine('{"content":"x"}\n'), `JSON_LINE_INVALID@${json.length}`],
  'wrong-field.jsonl': [withLine('{"text":["x"]}\n'), `JSON_LINE_INVALID@${json.length}`],
  'no-object.jsonl': [withLine('"text"\n'), `JSON_LINE_INVALID@${json.length}`],
  'half-pair.jsonl': [withLine('{"text":"a \\ud83d b"}\n'), `JSON_LINE_INVALID@${json.length}`],
  'no-json.jsonl': [withLine('{"text":"x"\n'), `JSON_LINE_INVALID@${json.length}`],
  'not-utf8.txt': [Buffer.from('caf\xe9 au lait', 'latin1'), 'TEXT_NOT_UTF8@3'],
  'cut-in-character.txt': [Buffer.from('caf\xc3', 'latin1'), 'TEXT_NOT_UTF8@3'],
  'cut-off.parquet': [parquet.subarray(0, -5), `SOURCE_BROKEN@${parquet.length - 5}`],
  'empty.parquet': [Buffer.alloc(0), 'SOURCE_BROKEN@0'],
  'other-column.parquet': [parquetFile(texts, { column: 'content' }), 'SOURCE_BROKEN@0'],
  'not-utf8.parquet': [changed(parquet, inside, () => 0xff), 'JSON_LINE_INVALID@0'],
  // A letter: another one, that only the checksum of its page tells.
  'wrong-checksum.parquet': [changed(checked, checked.indexOf(texts[3]!), (b) => b ^ 1), 'SOURCE_BROKEN@4'],
  // The length of the first text: it now goes beyond its page.
  'broken-page.parquet': [changed(parquet, inside - 1, () => 0x7f), 'SOURCE_BROKEN@4'],
};
const CONTENTS = Object.fromEntries(Object.entries(CASES).map(([name, [content]]) => [name, content]));

type Place = (t: TestContext, files: Record<string, Uint8Array>) => Promise<string>;

const PLACES: Readonly<Record<string, Place>> = {
  disk: async (t, files) => temporaryFolder(t, files),
  hub: async (t, files) => {
    const before = process.env['HF_ENDPOINT'];
    t.after(() => {
      if (before === undefined) delete process.env['HF_ENDPOINT'];
      else process.env['HF_ENDPOINT'] = before;
    });
    process.env['HF_ENDPOINT'] = (await hubServer(t, { files })).endpoint;
    return 'hf:own/set';
  },
  'web folder': async (t, files) => `${(await hubServer(t, { files })).storage}/`,
};

const reading: Omit<ReadingOptions, 'account' | 'onFault'> = {
  textField: 'text',
  documentLimit: 65_536,
  lineLimitBytes: LINE_LIMIT,
  access: { wait: async () => undefined },
};

function shown({ info }: DataError): string {
  return `${info.code}@${'byteOffset' in info ? info.byteOffset : '?'}`;
}

for (const [name, place] of Object.entries(PLACES))
  it(`reports each kind of damage from the ${name} with file and place, and stops there or goes on as told`, async (t) => {
    const { files } = await listSource(await place(t, CONTENTS));
    assert.equal(files.length, Object.keys(CASES).length);
    for (const file of files) {
      const [content, expected] = CASES[file.path]!;
      const isExact = expected.includes('@');
      const faults: DataError[] = [];
      const options = { ...reading, account: new ReadAccount(), onFault: (f: DataError) => faults.push(f) };
      for await (const _ of streamDocuments(file, options));
      assert.deepEqual(
        faults.map((fault) => (isExact ? shown(fault) : fault.code)),
        [expected],
        file.path,
      );
      const { info } = faults[0]!;
      assert.ok('path' in info && info.path === file.path, file.path);
      assert.ok('byteOffset' in info && info.byteOffset! <= content.length, file.path);
      const stop = async (): Promise<void> => {
        const onFault = (fault: DataError): never => {
          throw fault;
        };
        for await (const _ of streamDocuments(file, { ...options, account: new ReadAccount(), onFault }));
      };
      await assert.rejects(stop(), { info });
    }
  });

it('gives what is sound of a damaged source, the same from disk and hub, with every fault in the manifest', async (t) => {
  const good = Buffer.from(
    Array.from({ length: 200 }, (_, i) => `${JSON.stringify({ text: prose(`good${i}`, 400) })}\n`).join(''),
  );
  const all = {
    ...CONTENTS,
    'good.jsonl': good,
    'empty.jsonl': Buffer.alloc(0),
    'empty.txt': Buffer.alloc(0),
  };
  const build = (source: string, onInvalid: 'refuse' | 'skip'): Promise<Manifest> =>
    buildDataset({
      source,
      onInvalid,
      outDir: temporaryFolder(t),
      tokenizer: byteTokenizer,
      seed: 's',
      stream: true,
      lineLimitBytes: LINE_LIMIT,
    });
  const disk = await PLACES['disk']!(t, all);
  const manifest = await build(disk, 'skip');
  assert.equal(manifest.skipped, Object.keys(CASES).length);
  for (const { path, faultCount = 0, faults = [], documents } of manifest.sources) {
    const [, expected] = CASES[path] ?? [];
    assert.equal(faultCount, expected === undefined ? 0 : 1, path);
    assert.equal(faults[0]?.code, expected?.split('@')[0], path);
    if (path.startsWith('empty.')) assert.equal(documents, 0, path);
  }
  const hub = await PLACES['hub']!(t, all);
  const remote = await build(hub, 'skip');
  assert.equal(remote.root, manifest.root);
  assert.deepEqual(remote.sources, manifest.sources);
  for (const source of [disk, hub])
    await assert.rejects(
      build(source, 'refuse'),
      ({ info }: DataError) => 'path' in info && info.path in CASES,
    );
});

it('notices a file that changed after it was listed, wherever it lies', async (t) => {
  const before = { 'a.jsonl': json, 'b.parquet': parquet };
  for (const [name, place] of Object.entries(PLACES)) {
    const files: Record<string, Uint8Array> = { ...before };
    const source = await place(t, files);
    const listed = await listSource(source);
    for (const path of Object.keys(before)) {
      const content = before[path as keyof typeof before];
      // As long as before: only its time, tag or hash tells.
      files[path] = changed(content, content.indexOf('whale'), (b) => b ^ 1);
      if (name !== 'disk') continue;
      writeFileSync(join(source, path), files[path]);
      utimesSync(join(source, path), 1, 1);
    }
    for (const file of listed.files) {
      // A published hash stands for a parquet file that is read by ranges: its commit fixes the content.
      if (name === 'hub' && file.format === 'parquet') continue;
      const work = tokenizePart({
        file,
        name: partFiles(temporaryFolder(t), file),
        job: {
          content: 'text',
          settings: {
            ...reading,
            ...{ tokenizer: byteTokenizer, seed: '', shardTokens: null, mostTokens: null },
            ...{ validationFraction: 0.1, auditFraction: 0, onInvalid: 'skip', nearDuplicates: 'ignore' },
          },
        },
        tokenizer: byteTokenizer,
        access: reading.access,
        onProgress: () => undefined,
      });
      await assert.rejects(work, { code: 'SOURCE_CHANGED' }, `${name}: ${file.path}`);
    }
  }
});
