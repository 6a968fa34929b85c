import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { blockHashRange, buildDataset, hashBlocks } from '@alice/data';
import { openTokenizer } from '@alice/model';
import { serveDataset } from './serveDataset.js';

it('serves what miners may have, whole or in ranges, and nothing that is held out', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'alice-serve-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const text = Array.from({ length: 60_000 }, (_, i) => `word${(i * 7919) % 10_007}`).join(' ');
  writeFileSync(join(dir, 'a.txt'), text.replaceAll(/(?<=0) /g, '\n\n'));
  const out = join(dir, 'shards');
  const manifest = await buildDataset({
    source: join(dir, 'a.txt'),
    outDir: out,
    tokenizer: await openTokenizer('gpt2-1024'),
    seed: 's',
    nearDuplicates: 'ignore',
  });
  const server = await serveDataset({ dir: out, host: '127.0.0.1', port: 0 });
  t.after(() => server.close());
  const ask = (name: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Response> =>
    fetch(`${server.url}/${name}`, { headers, method });
  const bytesOf = async (response: Response): Promise<Buffer> => Buffer.from(await response.arrayBuffer());
  assert.equal(server.root, manifest.root);

  const shard = readFileSync(join(out, 'shard-000001.bin'));
  const whole = await ask('shard-000001.bin');
  const tag = whole.headers.get('etag')!;
  assert.deepEqual([whole.status, await bytesOf(whole)], [200, shard]);
  assert.equal(tag, `"${manifest.shards[1]!.sha256}"`);
  const part = await ask('shard-000001.bin', { range: 'bytes=10-19' });
  assert.deepEqual([part.status, await bytesOf(part)], [206, shard.subarray(10, 20)]);
  assert.equal(part.headers.get('content-range'), `bytes 10-19/${shard.length}`);
  const { from, to } = blockHashRange(manifest.shards, 1);
  const hashes = await bytesOf(await ask('blocks.bin', { range: `bytes=${from}-${to - 1}` }));
  assert.deepEqual(hashes, Buffer.from(hashBlocks(shard)));
  assert.equal((await ask('shard-000001.bin', { 'if-none-match': tag })).status, 304);
  assert.equal((await ask('shard-000001.bin', { range: 'bytes=1-2', 'if-range': '"other"' })).status, 200);
  assert.equal((await ask('shard-000001.bin', { range: `bytes=${shard.length}-` })).status, 416);
  const head = await ask('manifest.json', {}, 'HEAD');
  assert.deepEqual(
    [head.status, Number(head.headers.get('content-length'))],
    [200, readFileSync(join(out, 'manifest.json')).length],
  );

  const held = manifest.shards.filter(({ split }) => split !== 'train');
  assert.ok(held.length > 0);
  for (const { id } of held)
    assert.equal((await ask(`shard-${String(id).padStart(6, '0')}.bin`)).status, 404);
  for (const name of ['', '.build/plan.json', '../a.txt', '%2e%2e/a.txt', 'shard-000001.bin/'])
    assert.equal((await ask(name)).status, 404, name);
  assert.equal((await ask('manifest.json', {}, 'DELETE')).status, 405);

  // What no address parser takes, and no client library sends.
  for (const target of ['//', '//[', '/\\..\\a.txt', '/../a.txt', '/%00', '*', 'http://[/'])
    assert.match(await rawStatus(server.url, target), /^HTTP\/1.1 40[04] /, target);
  assert.match(await rawStatus(server.url, 'http://any.example/manifest.json?x'), /^HTTP\/1.1 200 /);
  // Cut off on the disk since the start: the answer must not look whole.
  writeFileSync(join(out, 'shard-000001.bin'), shard.subarray(0, 1000));
  await assert.rejects(ask('shard-000001.bin').then(bytesOf));
  assert.equal((await ask('shard-000000.bin')).status, 200);
});

/** The first line of the answer to a request for a target as it stands. */
async function rawStatus(url: string, target: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.write(`GET ${target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
  let answer = '';
  for await (const chunk of socket) answer += String(chunk);
  return answer.split('\r\n')[0]!;
}
