import assert from 'node:assert/strict';
import { it } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import type { DataError } from '../errors.js';
import { parquetFile } from '../testing/parquetFile.js';
import { prose } from '../testing/prose.js';
import { temporaryFolder } from '../testing/temporaryFolder.js';
import { zstdFrame } from '../testing/zstdFrame.js';
import { LineCutter } from './LineCutter.js';
import { listSource } from './listSource.js';
import { ReadAccount } from './openBytes.js';
import { streamDocuments } from './streamDocuments.js';
import { Xxh64 } from './xxh64.js';
import { ZstdDecoder } from './ZstdDecoder.js';

/** `zstd -19 --check` of "Call me Ishmael. " forty times and a number each, by the reference tool. */
const REFERENCE_TEXT = Array.from({ length: 40 }, (_, i) => `Call me Ishmael. ${i}\n`).join('');
const REFERENCE_ZST =
  'KLUv/WQWAs0CAJKFDxCw64dMKmkhTBMrU5I6YjgQ4Ny8nHw8//s9/ti4mHg4fds1+tS0lHQ0+7ot9phCRt4FGERbyrGXwnKhNYUCJ6gRAPX9N/DlEP4TP/3/+7bVqlZoIFUBxJ2ywA==';

function decoded(bytes: Uint8Array, step: number, options?: { blockTimeoutMs: number }): string {
  const decoder = new ZstdDecoder('f.zst', options);
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += step) parts.push(...decoder.push(bytes.subarray(at, at + step)));
  decoder.finish();
  return Buffer.concat(parts).toString();
}

it('hashes as XXH64 does, whatever the pieces', () => {
  const low = (text: string): string => {
    const hash = new Xxh64();
    hash.update(Buffer.from(text));
    return hash.low32().toString(16).padStart(8, '0');
  };
  // The low halves of the published values ef46db3751d8e999, d24ec4f1a98c6e5b, 44bc2cf5ad770999.
  assert.deepEqual(['', 'a', 'abc'].map(low), ['51d8e999', 'a98c6e5b', 'ad770999']);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(200), (bytes, cut) => {
      const [whole, cutUp] = [new Xxh64(), new Xxh64()];
      whole.update(bytes);
      cutUp.update(bytes.subarray(0, cut));
      cutUp.update(bytes.subarray(cut));
      assert.equal(cutUp.low32(), whole.low32());
    }),
  );
});

it('reports every flipped bit of a frame with a checksum, one that keeps the decoder busy for ever too', () => {
  const reference = Buffer.from(REFERENCE_ZST, 'base64');
  const endless: number[] = [];
  for (let bit = 0; bit < reference.length * 8; bit++) {
    const damaged = Buffer.from(reference);
    damaged[bit >> 3]! ^= 1 << (bit & 7);
    try {
      assert.equal(decoded(damaged, 4096, { blockTimeoutMs: 500 }), REFERENCE_TEXT, `bit ${bit}`);
    } catch (error) {
      assert.equal((error as DataError).code, 'SOURCE_BROKEN', `bit ${bit}`);
      if ((error as DataError).message.includes('endless')) endless.push(bit);
    }
  }
  assert.ok(endless.includes(118));
});

it("decodes the reference tool's zstd, several frames, in any pieces; finds damage and says where", () => {
  const reference = Buffer.from(REFERENCE_ZST, 'base64');
  const skippable = Buffer.from('502a4d180300000001020354'.slice(0, 22), 'hex');
  const frame = zstdFrame(Buffer.from(prose('z', 30_000)));
  const all = Buffer.concat([reference, skippable, frame, zstdFrame(new Uint8Array())]);
  for (const step of [1, 7, 1000, 1 << 20])
    assert.equal(decoded(all, step), REFERENCE_TEXT + prose('z', 30_000));
  const fault = (bytes: Uint8Array): unknown => {
    try {
      return decoded(bytes, 4096);
    } catch (error) {
      const { code, byteOffset, reason } = (error as DataError).info as {
        code: string;
        byteOffset: number;
        reason: string;
      };
      return [code, byteOffset, reason];
    }
  };
  assert.deepEqual(fault(all.subarray(0, reference.length - 2)), [
    'SOURCE_BROKEN',
    reference.length - 2,
    'the file ends inside a zstd frame',
  ]);
  const flipped = Buffer.from(frame);
  flipped[9000]! ^= 1;
  assert.deepEqual(fault(flipped), [
    'SOURCE_BROKEN',
    frame.length - 4,
    'the checksum of a zstd frame does not agree',
  ]);
  assert.deepEqual(fault(Buffer.concat([frame, Buffer.from('not zstd at all')])), [
    'SOURCE_BROKEN',
    frame.length,
    'no zstd frame begins here',
  ]);
});

it('cuts lines with their places, whatever the pieces, and never keeps one over the limit', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('a', '\n', '\r', 'b') }),
      fc.integer({ min: 1, max: 5 }),
      (text, step) => {
        const cutter = new LineCutter(3);
        const bytes = Buffer.from(text);
        const lines = [];
        for (let at = 0; at < bytes.length; at += step)
          lines.push(...cutter.push(bytes.subarray(at, at + step)));
        lines.push(...cutter.finish());
        const expected = text.split('\n').slice(0, text.endsWith('\n') || text === '' ? -1 : undefined);
        assert.deepEqual(
          lines.map((line) => line.bytes?.toString() ?? null),
          expected.map((line) => (line.length > 3 ? null : line.replace(/\r$/, ''))),
        );
        for (const [i, { from, to, number }] of lines.entries()) {
          assert.equal(number, i + 1);
          assert.equal(text.slice(from, to).replace(/\n$/, ''), expected[i]);
        }
      },
    ),
  );
});

it('reads the same documents from plain, gzip, zstd and parquet, with places; reports each fault with its place', async (t) => {
  const texts = Array.from({ length: 230 }, (_, i) => prose(`d${i}`, 300));
  const json = Buffer.from(texts.map((text) => `${JSON.stringify({ text, n: 1 })}\n`).join(''));
  const bad = Buffer.concat([
    Buffer.from('{"text":"\xff"}\n', 'latin1'),
    Buffer.from('{"no":1}\n'),
    Buffer.from(`{"text":"${'x'.repeat(5000)}"}\n`),
  ]);
  const zst = zstdFrame(json);
  const gz = gzipSync(json);
  const parquet = parquetFile(texts);
  const dir = temporaryFolder(t, {
    'a.jsonl': json,
    'b.jsonl.gz': gz,
    'c.jsonl.zst': zst,
    'd.parquet': parquet,
    'e.jsonl': Buffer.concat([json, bad, json]),
    'f.jsonl.zst': zst.subarray(0, zst.length / 2),
    'g.jsonl.gz': gz.subarray(0, gz.length - 9),
    'h.parquet': parquet.subarray(0, parquet.length - 5),
    'i.parquet': parquetFile(texts, { column: 'content' }),
  });
  const read = async (name: string): Promise<{ texts: string[]; places: number[]; faults: string[] }> => {
    const result = { texts: [] as string[], places: [] as number[], faults: [] as string[] };
    const [file] = (await listSource(`${dir}/${name}`)).files;
    for await (const batch of streamDocuments(file!, {
      textField: 'text',
      documentLimit: 65_536,
      lineLimitBytes: 4096,
      access: {},
      account: new ReadAccount(),
      onFault: ({ info }) =>
        result.faults.push(`${info.code}@${'byteOffset' in info ? info.byteOffset : '?'}`),
    }))
      for (const { text, from, to } of batch) {
        result.texts.push(text);
        result.places.push(from, to);
      }
    return result;
  };
  const plain = await read('a.jsonl');
  assert.deepEqual(plain.texts, texts);
  assert.equal(JSON.parse(json.subarray(plain.places[20], plain.places[21]).toString()).text, texts[10]);
  assert.deepEqual(await read('b.jsonl.gz'), plain);
  assert.deepEqual(await read('c.jsonl.zst'), plain);
  const columns = await read('d.parquet');
  assert.deepEqual([columns.texts, columns.places.slice(0, 4), columns.faults], [texts, [0, 1, 1, 2], []]);
  const faulty = await read('e.jsonl');
  assert.deepEqual(faulty.texts, [...texts, ...texts]);
  const at = json.length;
  assert.deepEqual(faulty.faults, [
    `TEXT_NOT_UTF8@${at + 9}`,
    `JSON_LINE_INVALID@${at + 13}`,
    `JSON_LINE_INVALID@${at + 22}`,
  ]);
  const cut = await read('f.jsonl.zst');
  assert.deepEqual(cut.faults, [`SOURCE_BROKEN@${Math.floor(zst.length / 2)}`]);
  assert.deepEqual(cut.texts, texts.slice(0, cut.texts.length));
  assert.ok(cut.texts.length > 50 && cut.texts.length < 230);
  assert.match((await read('g.jsonl.gz')).faults.join(), /^SOURCE_BROKEN@\d+$/);
  assert.deepEqual((await read('h.parquet')).faults, [`SOURCE_BROKEN@${parquet.length - 5}`]);
  assert.deepEqual((await read('i.parquet')).faults, ['SOURCE_BROKEN@0']);
});
