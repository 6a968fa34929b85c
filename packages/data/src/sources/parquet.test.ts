import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { parquetMetadata } from 'hyparquet';
import { buildConversations } from '../conversation/buildConversations.js';
import { openConversations } from '../conversation/openConversations.js';
import { byteTokenizer } from '../testing/byteTokenizer.js';
import { hubServer } from '../testing/hubServer.js';
import { parquetFile } from '../testing/parquetFile.js';
import { FIXTURE_TEXTS, PARQUET_FIXTURES } from '../testing/parquetFixtures.js';
import { prose } from '../testing/prose.js';
import { temporaryFolder } from '../testing/temporaryFolder.js';
import type { ListedFile } from './ListedFile.js';
import { listSource } from './listSource.js';
import { ReadAccount } from './openBytes.js';
import { listHub } from './remote/listHub.js';
import { streamDocuments } from './streamDocuments.js';

async function read(
  file: ListedFile,
  textField = 'text',
): Promise<{ texts: Map<number, string>; faults: string[]; bytes: number }> {
  const texts = new Map<number, string>();
  const faults: string[] = [];
  let bytes = 0;
  const options = {
    textField,
    documentLimit: 65_536,
    lineLimitBytes: 4096,
    access: {},
    account: new ReadAccount(),
  };
  for await (const batch of streamDocuments(file, {
    ...options,
    onFault: ({ info }) => faults.push(`${info.code}@${'byteOffset' in info ? info.byteOffset : '?'}`),
    onParquetBytes: (added) => {
      bytes += added;
    },
  }))
    for (const { text, from } of batch) texts.set(from, text);
  return { texts, faults, bytes };
}

const EXPECTED = new Map(FIXTURE_TEXTS.flatMap((text, i) => (text === null ? [] : [[i, text] as const])));

for (const [name, base64] of Object.entries(PARQUET_FIXTURES))
  it(`reads parquet that another implementation packed with ${name}; a null is a fault with its row`, async (t) => {
    const content = Buffer.from(base64, 'base64');
    const dir = temporaryFolder(t, { 'a.parquet': content, 'cut.parquet': content.subarray(0, 900) });
    const [whole, cut] = (await listSource(dir)).files;
    assert.deepEqual(await read(whole!), { texts: EXPECTED, faults: ['JSON_LINE_INVALID@7'], bytes: 0 });
    assert.deepEqual((await read(cut!)).faults, ['SOURCE_BROKEN@900']);
    assert.deepEqual((await read(whole!, 'content')).faults, ['SOURCE_BROKEN@0']);
    // Damage inside the first row group: nothing of it, and nothing after it.
    const damaged = Buffer.from(content);
    for (let at = 180; at < 240; at++) damaged[at]! ^= 0x5a;
    const [broken] = (await listSource(temporaryFolder(t, { 'b.parquet': damaged }))).files;
    const result = await read(broken!);
    assert.match(result.faults.join(), /^SOURCE_BROKEN@\d+$/);
    assert.equal(result.texts.size, 0);
  });

for (const name of ['snappy', 'zstd'])
  it(`notices changed bytes of checked pages (${name}): a fault, or what it changes is no text`, async (t) => {
    const content = Buffer.from(PARQUET_FIXTURES[name]!, 'base64');
    const bytes = content.buffer.slice(content.byteOffset, content.byteOffset + content.length);
    const { row_groups: groups } = parquetMetadata(bytes);
    const meta = groups[0]!.columns.find(({ meta_data }) => meta_data?.path_in_schema[0] === 'text')!
      .meta_data!;
    const from = Number(meta.dictionary_page_offset);
    const dir = temporaryFolder(t);
    for (let at = from; at < from + Number(meta.total_compressed_size); at += 7) {
      const damaged = Buffer.from(content);
      damaged[at]! ^= 0x20;
      writeFileSync(join(dir, 'a.parquet'), damaged);
      const [file] = (await listSource(dir)).files;
      const { texts, faults } = await read(file!);
      // The null is a fault anyway.
      if (faults.join() !== 'JSON_LINE_INVALID@7') continue;
      assert.deepEqual(texts, EXPECTED, `byte ${at - from} of the chunk`);
    }
  });

it('reads parquet on a hub by ranges, the footer first, never whole; notices a file that is cut off there', async (t) => {
  const texts = Array.from({ length: 6000 }, (_, i) => prose(`p${i}`, 300));
  const content = parquetFile(texts, { groupRows: 2000 });
  const hub = await hubServer(t, {
    files: { 'a.parquet': content },
    breakAfter: (n) => (n === 3 ? 1000 : undefined),
  });
  const { files } = await listHub('hf:own/set', { endpoint: hub.endpoint, wait: async () => undefined });
  const [file] = files;
  const found = await read(file!);
  assert.deepEqual([...found.texts.values()], texts);
  const ranges = hub.storageRequests.map(({ range }) => range);
  assert.match(ranges[0]!, new RegExp(`^bytes=\\d+-${content.length - 1}$`));
  assert.ok(
    ranges.length >= 4 && ranges.every((range) => /^bytes=\d+-\d+$/.test(range ?? '')),
    ranges.join(),
  );
  assert.ok(found.bytes >= content.length && found.bytes < content.length + 600_000);
  // Only what is asked for: two of three row groups.
  const before = hub.storageRequests.length;
  let rows = 0;
  for await (const batch of streamDocuments(file!, {
    textField: 'text',
    documentLimit: 65_536,
    lineLimitBytes: 4096,
    access: {},
    account: new ReadAccount(),
    onFault: (fault) => {
      throw fault;
    },
  })) {
    rows += batch.length;
    if (rows === 2000) break;
  }
  assert.equal(hub.storageRequests.length - before, 2, 'footer and one row group');
});

it('builds conversations from a parquet column of messages', async (t) => {
  const source = temporaryFolder(t, { 'a.parquet': Buffer.from(PARQUET_FIXTURES['zstd']!, 'base64') });
  const outDir = temporaryFolder(t);
  const manifest = await buildConversations({
    kind: 'chat',
    source,
    outDir,
    tokenizer: byteTokenizer,
    seed: 's',
  });
  assert.equal(manifest.records, 30);
  const records = await openConversations(outDir).records(0);
  const text = byteTokenizer.decode((records[0] as { tokens: Uint16Array }).tokens.filter((id) => id < 256));
  assert.match(text, /^User:\nq\d+Assistant:\na\d+$/);
});
