/** @file The HTTP face: who may call what, how mistakes are answered, ranges, limits, headers, page and events. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { blocksRoot, hashBlocks } from '@alice/data';
import { type RouteName, routes } from '@alice/protocol';
import type { ServerCore } from '../ServerCore.js';
import { TestClient } from '../testing/TestClient.js';
import { createTinyNetwork, type TinyNetwork } from '../testing/tinyNetwork.js';

describe('the HTTP face', () => {
  let network: TinyNetwork;
  let core: ServerCore;
  let miner: TestClient;
  let scorer: TestClient;
  let nobody: TestClient;

  before(async () => {
    network = await createTinyNetwork();
    const staticDir = join(network.dir, 'page');
    mkdirSync(staticDir);
    writeFileSync(join(staticDir, 'index.html'), '<h1>Alice</h1>');
    writeFileSync(join(staticDir, '.secret'), 'no');
    writeFileSync(join(network.dir, 'outside.txt'), 'no');
    core = await network.open({ staticDir, maxDownloadBytesPerSecond: 1e9 });
    miner = await new TestClient(core, network.miner).register();
    scorer = await new TestClient(core, network.scorer, 'scorer').register();
    nobody = new TestClient(core, network.otherMiner);
  });
  after(async () => {
    await core.close();
    network.remove();
  });

  const params = {
    version: '0',
    hash: `0x${'00'.repeat(32)}`,
    shard: '0',
    taskId: `0x${'00'.repeat(16)}`,
    submissionId: 'x',
    batchId: `0x${'00'.repeat(32)}`,
    jobId: 'x',
  };

  it('refuses text that no database stores, wherever it stands', async () => {
    const device = { kind: 'cpu', name: 'x', threads: 1, memoryBytes: 1, software: 'x' };
    const body = { address: network.miner.address, instance: 'a', role: 'miner', device };
    for (const name of ['a\0b', '\ud800', 'x\udc00'])
      assert.deepEqual(
        (await nobody.call('challenge', { body: { ...body, device: { ...device, name } } })).body.info,
        { field: 'device.name' },
      );
    const pair = await nobody.call('challenge', {
      body: { ...body, device: { ...device, name: '\u{1f4a9}' } },
    });
    assert.equal(pair.status, 200);
    const found = await miner.call('submission', { params: { submissionId: '\0' } });
    assert.deepEqual([found.status, found.body.info], [400, { field: 'submissionId' }]);
  });

  it('counts a flood of pages and of what is not there, and never a probe', async () => {
    const other = await createTinyNetwork({ limits: { perLoopbackPerMinute: 5 } });
    const busy = await other.open();
    try {
      const ask = async (url: string) => (await busy.app.inject(url)).statusCode;
      for (let i = 0; i < 8; i++) assert.equal(await ask('/healthz'), 200);
      const seen = [];
      for (const url of [
        '/',
        '/nothing',
        '/openapi.json',
        '/v1/network',
        '/nothing',
        '/nothing',
        '/openapi.json',
      ])
        seen.push(await ask(url));
      assert.deepEqual(seen, [200, 404, 200, 200, 404, 429, 429]);
    } finally {
      await busy.close();
      other.remove();
    }
  });

  it('shows its figures to nobody behind a proxy that it was not told of', async () => {
    assert.equal((await core.app.inject('/metrics')).statusCode, 200);
    const headers = { 'x-forwarded-for': '203.0.113.7' };
    assert.equal((await core.app.inject({ url: '/metrics', headers })).statusCode, 401);
  });

  it('lets every route be called by its role only', async () => {
    for (const [name, { access }] of Object.entries(routes) as [RouteName, { access: string }][]) {
      if (access === 'public' || access === 'open') continue;
      const open = await nobody.call(name, { params });
      assert.deepEqual([open.status, open.body.code], [401, 'TOKEN_MISSING'], name);
      if (access === 'scorer') {
        const answer = await miner.call(name, { params });
        assert.deepEqual([answer.status, answer.body.code], [403, 'ROLE_FORBIDDEN'], `${name} by a miner`);
      }
      if (access === 'miner') {
        const answer = await scorer.call(name, { params });
        assert.deepEqual([answer.status, answer.body.code], [403, 'ROLE_FORBIDDEN'], `${name} by a scorer`);
      }
    }
  });

  it('takes messages as JSON only, and does not look into what says to be bytes', async () => {
    for (const type of ['application/octet-stream', 'application/partial-upload']) {
      const { statusCode, body } = await core.app.inject({
        ...{ method: 'POST', url: routes.register.path, payload: 'x' },
        headers: { 'content-type': type },
      });
      assert.deepEqual([statusCode, JSON.parse(body).code], [415, 'MEDIA_TYPE_UNSUPPORTED'], type);
    }
    const deep = `${'['.repeat(8_000)}${']'.repeat(8_000)}`;
    const headers = { 'content-type': 'application/json' };
    const answer = await core.app.inject({
      ...{ method: 'POST', url: routes.register.path, payload: deep, headers },
    });
    assert.deepEqual([answer.statusCode, answer.json().code], [400, 'BAD_REQUEST']);
  });

  it('names the field of a mistake', async () => {
    const device = { kind: 'cpu', name: 'x', threads: 1, memoryBytes: 1, software: 'x' };
    const good = { address: network.miner.address, instance: 'a', role: 'miner', device };
    const cases: [string, unknown, string][] = [
      ['missing field', { ...good, role: undefined }, 'role'],
      ['unknown field', { ...good, admin: true }, 'body'],
      ['wrong type', { ...good, instance: 5 }, 'instance'],
      ['nested', { ...good, device: { ...device, threads: '1' } }, 'device.threads'],
      ['pattern', { ...good, instance: 'UPPER' }, 'instance'],
      ['not an object', [], 'body'],
    ];
    for (const [what, body, field] of cases) {
      const answer = await nobody.call('challenge', { body });
      assert.deepEqual(
        [answer.status, answer.body.code, answer.body.info.field],
        [400, 'BAD_REQUEST', field],
        what,
      );
    }
    const broken = await core.app.inject({
      method: 'POST',
      url: '/v1/register',
      headers: { 'content-type': 'application/json' },
      payload: '{"a":',
    });
    assert.deepEqual([broken.statusCode, broken.json().code], [400, 'BAD_REQUEST']);
    const version = await nobody.call('version', { params: { version: '-1' } });
    assert.deepEqual([version.body.code, version.body.info.field], ['BAD_REQUEST', 'version']);
    assert.equal((await nobody.call('version', { params: { version: '7' } })).body.code, 'NOT_FOUND');
  });

  it('answers unknown routes, wrong methods and odd addresses in the same form', async () => {
    for (const [method, url, status] of [
      ['GET', '/v1/nothing', 404],
      ['DELETE', '/v1/status', 404],
      ['GET', '/%ff', 400],
      ['GET', `/v1/blobs/${'a'.repeat(2000)}`, 404],
      ['GET', '/../../outside.txt', 404],
      ['GET', '/.secret', 404],
    ] as const) {
      const answer = await core.app.inject({ method, url });
      if (answer.statusCode === 404 || answer.statusCode === 400)
        assert.equal(typeof answer.json().code, 'string', url);
      assert.ok(
        answer.statusCode === status || answer.statusCode === 404,
        `${url} gave ${answer.statusCode}`,
      );
      assert.ok(!answer.body.includes('no\n') && answer.body !== 'no', url);
    }
  });

  it('refuses large messages', async () => {
    const answer = await nobody.call('challenge', { body: { address: 'x'.repeat(20_000) } });
    assert.deepEqual([answer.status, answer.body.code], [413, 'BODY_TOO_LARGE']);
  });

  it('keeps validation shards and masters to itself', async () => {
    const list = (await miner.call('shards')).body.shards as {
      shard: number;
      hash: string;
      sizeBytes: number;
      blocks?: string;
    }[];
    assert.ok(list.length >= 32);
    const validation = Array.from({ length: list.length + 10 }, (_, i) => i).filter((i) =>
      core.context.data.isValidation(i),
    );
    assert.ok(validation.length >= 2);
    for (const shard of validation) {
      assert.ok(!list.some((entry) => entry.shard === shard));
      for (const client of [miner, scorer]) {
        const answer = await client.call('shard', { params: { shard: String(shard) } });
        assert.deepEqual([answer.status, answer.body.code], [403, 'SHARD_PRIVATE']);
      }
    }
    const first = list[0]!;
    const shard = await miner.call('shard', { params: { shard: String(first.shard) } });
    assert.deepEqual([shard.status, shard.bytes.length], [200, first.sizeBytes]);
    const hashes = await miner.call('shardBlocks', { params: { shard: String(first.shard) } });
    assert.equal(blocksRoot(hashes.bytes), first.blocks, 'blocks can be checked alone');
    assert.deepEqual(Buffer.from(hashBlocks(shard.bytes)), Buffer.from(hashes.bytes));
    for (const held of validation) {
      const refused = await miner.call('shardBlocks', { params: { shard: String(held) } });
      assert.equal(refused.body.code, 'SHARD_PRIVATE');
    }
    assert.equal((await miner.call('shard', { params: { shard: '9999' } })).body.code, 'SHARD_UNKNOWN');
    const [row] = await core.context.db.query<{ hash: string }>(
      `SELECT master ->> 'hash' AS hash FROM versions`,
    );
    for (const client of [miner, scorer])
      assert.equal((await client.call('blob', { params: { hash: row!.hash } })).body.code, 'NOT_FOUND');
  });

  it('gives submissions to scorers only', async () => {
    const { submissionId } = await miner.contribute('private');
    await core.coordinator.step();
    const [row] = await core.context.db.query<{ blob_hash: string; size_bytes: number }>(
      'SELECT * FROM submissions WHERE submission_id = $1',
      [submissionId],
    );
    assert.equal((await miner.call('blob', { params: { hash: row!.blob_hash } })).body.code, 'NOT_FOUND');
    const blob = await scorer.call('blob', { params: { hash: row!.blob_hash } });
    assert.deepEqual([blob.status, blob.bytes.length], [200, row!.size_bytes]);
  });

  it('gives published weights to anyone, and lets caches between keep them', async () => {
    const { hash, sizeBytes } = (await miner.call('version', { params })).body.snapshot.chunks[0];
    const url = routes.blob.path.replace(':hash', hash);
    const anonymous = await core.app.inject({ url });
    assert.deepEqual([anonymous.statusCode, anonymous.rawPayload.length], [200, sizeBytes]);
    assert.equal(anonymous.headers['cache-control'], 'public, max-age=31536000, immutable');
    const headers = { authorization: `Bearer ${miner.token}` };
    assert.match(String((await core.app.inject({ url, headers })).headers['cache-control']), /^private,/);
    const rows = await core.context.db.query<{ hash: string }>(
      `SELECT blob_hash AS hash FROM submissions WHERE blob_kept UNION SELECT master ->> 'hash' FROM versions`,
    );
    assert.ok(rows.length >= 2);
    for (const secret of rows) {
      const refused = await core.app.inject({ url: routes.blob.path.replace(':hash', secret.hash) });
      assert.deepEqual([refused.statusCode, refused.headers['cache-control']], [404, 'no-store']);
    }
    const stale = { authorization: `Bearer ${'x'.repeat(43)}` };
    assert.equal((await core.app.inject({ url, headers: stale })).json().code, 'TOKEN_INVALID');
  });

  it('counts and paces what leaves this machine, and sends the same bytes', async () => {
    const { hash } = (await miner.call('version', { params })).body.snapshot.chunks[0];
    const shard = String(core.context.data.trainingShards[0]!.shard);
    const { downloads } = core.context;
    const headers = { 'x-forwarded-for': '192.0.2.7' }; // through a proxy that the server was not told of
    for (const [name, what] of [
      ['blob', { hash }],
      ['shard', { shard }],
    ] as const) {
      const here = await miner.call(name, { params: what });
      const before = downloads.sentBytes;
      const away = await miner.call(name, { params: what, headers });
      assert.deepEqual(Buffer.from(away.bytes), Buffer.from(here.bytes));
      assert.equal(downloads.sentBytes - before, here.bytes.length);
      const range = { ...headers, range: 'bytes=5-9' };
      assert.equal((await miner.call(name, { params: what, headers: range })).bytes.length, 5);
      assert.equal(downloads.sentBytes - before, here.bytes.length + 5);
    }
    const { body } = await core.app.inject({ url: '/metrics' });
    assert.ok(body.includes(`alice_download_bytes_total ${downloads.sentBytes}\n`));
    assert.match(body, /^alice_download_limit_bytes_per_second 1000000000$/m);
    const sent = downloads.sentBytes;
    const head = await core.app.inject({
      method: 'HEAD',
      url: routes.shard.path.replace(':shard', shard),
      headers: { ...headers, authorization: `Bearer ${miner.token}` },
    });
    assert.deepEqual([head.statusCode, downloads.sentBytes], [200, sent]);
    assert.ok(Number(head.headers['content-length']) > 0);
  });

  it('honours ranges', async () => {
    const manifest = (await miner.call('latestVersion')).body;
    const { hash, sizeBytes } = manifest.snapshot.chunks[0];
    const whole = (await miner.call('blob', { params: { hash } })).bytes;
    assert.equal(whole.length, sizeBytes);
    const part = async (range: string) => miner.call('blob', { params: { hash }, headers: { range } });
    const cases: [string, number, Uint8Array, string | undefined][] = [
      ['bytes=0-9', 206, whole.subarray(0, 10), `bytes 0-9/${sizeBytes}`],
      [
        `bytes=${sizeBytes - 3}-`,
        206,
        whole.subarray(-3),
        `bytes ${sizeBytes - 3}-${sizeBytes - 1}/${sizeBytes}`,
      ],
      ['bytes=-5', 206, whole.subarray(-5), `bytes ${sizeBytes - 5}-${sizeBytes - 1}/${sizeBytes}`],
      [`bytes=10-${sizeBytes + 10}`, 206, whole.subarray(10), `bytes 10-${sizeBytes - 1}/${sizeBytes}`],
      ['bytes=0-1,4-5', 200, whole, undefined],
      ['lines=1-2', 200, whole, undefined],
    ];
    for (const [range, status, bytes, contentRange] of cases) {
      const answer = await part(range);
      assert.deepEqual([answer.status, answer.headers['content-range']], [status, contentRange], range);
      assert.deepEqual(Buffer.from(answer.bytes), Buffer.from(bytes), range);
    }
    const beyond = await part(`bytes=${sizeBytes}-`);
    assert.deepEqual(
      [beyond.status, beyond.body.code, beyond.headers['content-range']],
      [416, 'RANGE_INVALID', `bytes */${sizeBytes}`],
    );
    const known = await miner.call('blob', { params: { hash }, headers: { 'if-none-match': `"${hash}"` } });
    assert.equal(known.status, 304);
  });

  it('sends no CORS permission and safe headers with every answer', async () => {
    for (const url of ['/', '/v1/status', '/v1/nothing', '/healthz']) {
      const answer = await core.app.inject({
        method: 'GET',
        url,
        headers: { origin: 'https://evil.example' },
      });
      assert.equal(answer.headers['access-control-allow-origin'], undefined, url);
      assert.equal(answer.headers['x-content-type-options'], 'nosniff', url);
      assert.match(String(answer.headers['content-security-policy']), /default-src 'self'/, url);
    }
    assert.equal((await core.app.inject({ method: 'GET', url: '/' })).body, '<h1>Alice</h1>');
    assert.deepEqual((await core.app.inject({ method: 'GET', url: '/readyz' })).json(), { ok: true });
  });

  it('hides faults behind an id', async () => {
    const original = core.context.data.shardBytes;
    (core.context.data as { shardBytes: unknown }).shardBytes = () =>
      Promise.reject(new Error('secret path /root/x'));
    const answer = await miner.call('shard', {
      params: { shard: String(core.context.data.trainingShards[0]!.shard) },
    });
    (core.context.data as { shardBytes: unknown }).shardBytes = original;
    assert.deepEqual([answer.status, answer.body.code], [500, 'INTERNAL']);
    assert.match(answer.body.info.errorId, /^[0-9a-f-]{36}$/);
    assert.ok(!JSON.stringify(answer.body).includes('secret'));
  });

  it('sends the status at once and again after a change', async () => {
    await core.app.listen({ port: 0, host: '127.0.0.1' });
    const { port } = core.app.server.address() as AddressInfo;
    const events: { versions: unknown[]; miners: unknown[] }[] = [];
    await new Promise<void>((resolve, reject) => {
      const request = get({ port, host: '127.0.0.1', path: '/v1/events' }, (response) => {
        assert.equal(response.headers['content-type'], 'text/event-stream');
        let text = '';
        response.on('data', (chunk: Buffer) => {
          text += chunk;
          for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
            const data = /^event: status\ndata: (.*)$/.exec(text.slice(0, end));
            text = text.slice(end + 2);
            if (data) events.push(JSON.parse(data[1]!));
            if (events.length === 1) void new TestClient(core, network.otherMiner).register();
            if (events.length === 2) {
              request.destroy();
              resolve();
            }
          }
        });
      });
      request.on('error', (error) => (events.length < 2 ? reject(error) : undefined));
    });
    assert.equal(events[1]!.miners.length, events[0]!.miners.length + 1);
  });
});

describe('request limits', () => {
  it('tells a member who asks too often when to come back, and counts others apart', async () => {
    const network = await createTinyNetwork({ limits: { perLoopbackMemberPerMinute: 3 } });
    const core = await network.open();
    const miner = await new TestClient(core, network.miner).register();
    const other = await new TestClient(core, network.otherMiner).register();
    for (let i = 0; i < 3; i++) assert.equal((await miner.call('shards')).status, 200);
    const limited = await miner.call('shards');
    assert.deepEqual([limited.status, limited.body.code], [429, 'RATE_LIMITED']);
    assert.ok(Number(limited.headers['retry-after']) >= 1 && Number(limited.headers['retry-after']) <= 60);
    assert.equal((await other.call('shards')).status, 200);
    await core.close();
    network.remove();
  });
});
