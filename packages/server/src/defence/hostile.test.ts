/** @file Hostile clients on real sockets: each is refused with a code or cut off, and the others are served all the while. */
import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { deflateSync } from 'node:zlib';
import { operatorMessage, SUBMISSION_HEADER_BYTES, toHex } from '@alice/protocol';
import type { ServerCore } from '../ServerCore.js';
import { auditEntries } from '../state/auditLog.js';
import { submissionFor, TestClient } from '../testing/TestClient.js';
import { createTinyNetwork, type TinyNetwork } from '../testing/tinyNetwork.js';

describe('hostile clients', () => {
  let network: TinyNetwork;
  let core: ServerCore;
  let port: number;
  let miner: TestClient;

  before(async () => {
    network = await createTinyNetwork({
      limits: {
        headersTimeoutMs: 300,
        requestTimeoutMs: 600,
        registrationsPerLoopbackPerMinute: 40,
        openChallenges: 200,
      },
    });
    core = await network.open({ metricsToken: 'm'.repeat(32) });
    await core.app.listen({ host: '127.0.0.1', port: 0 });
    ({ port } = core.app.server.address() as AddressInfo);
    miner = await new TestClient(core, network.miner).register();
  });
  after(async () => {
    await core.close();
    network.remove();
  });

  const refusals = async (): Promise<Record<string, number>> =>
    (await core.context.refusals.totals()) as Record<string, number>;
  const isServed = async (): Promise<void> => assert.equal((await miner.call('shards')).status, 200);

  it('cuts off who sends headers or a body one byte at a time', async () => {
    const dribble = (start: string): Promise<string> =>
      new Promise((resolve) => {
        const socket: Socket = connect(port, '127.0.0.1', () => socket.write(start));
        let text = '';
        const timer = setInterval(() => socket.write('x'), 50);
        socket.on('data', (chunk) => {
          text += chunk;
        });
        socket.on('error', () => undefined);
        socket.on('close', () => {
          clearInterval(timer);
          resolve(text);
        });
      });
    const head = (length: number) =>
      `POST /v1/register/challenge HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n{`;
    const slow = await Promise.all([
      ...Array.from({ length: 20 }, () => dribble('GET /v1/status HTTP/1.1\r\nhost: x\r\nx-slow: ')),
      ...Array.from({ length: 20 }, () => dribble(head(10_000))),
      isServed(),
    ]);
    for (const text of slow)
      if (typeof text === 'string') assert.match(text || 'HTTP/1.1 408', /^HTTP\/1\.1 40[08]/);
    await isServed();
  });

  it('refuses a zip bomb, a truncated body and an oversized one, and the nonce is still good', async () => {
    const task = await miner.task();
    const good = await submissionFor(task, core.context.layout);
    const bomb = deflateSync(Buffer.alloc(50_000_000));
    const bytes = Buffer.concat([good.subarray(0, SUBMISSION_HEADER_BYTES), bomb]);
    for (const [body, code] of [
      [bytes, /^WIRE_|BODY_TOO_LARGE/],
      [good.subarray(0, good.length - 7), /^WIRE_/],
      [good.subarray(0, 20), /^WIRE_/],
      [Buffer.alloc(10_000_000), /^BODY_TOO_LARGE$/],
      [new Uint8Array(), /./],
    ] as const) {
      const answer = await miner.submit(task, body);
      assert.ok(answer.status >= 400 && answer.status < 500, `${answer.status}`);
      assert.match(answer.body.code, code);
    }
    assert.equal((await miner.submit(task, good)).status, 202);
    const replayed = await miner.submit(task, good);
    assert.deepEqual(
      [replayed.status, replayed.body.code, replayed.body.info.identical],
      [409, 'NONCE_USED', true],
    );
    const other = await new TestClient(core, network.otherMiner).register();
    const stolen = await other.submit(task, good);
    assert.deepEqual([stolen.status, stolen.body.code], [404, 'TASK_UNKNOWN']);
    assert.ok((await refusals())['NONCE_USED']! >= 1);
  });

  it('does not wait for the rest of a body that says it is too large', async () => {
    const status = await new Promise<number>((resolve, reject) => {
      const request = httpRequest(
        {
          port,
          method: 'PUT',
          path: `/v1/tasks/0x${'00'.repeat(16)}/submission`,
          headers: {
            authorization: `Bearer ${miner.token}`,
            'content-type': 'application/octet-stream',
            'content-length': 1e12,
          },
        },
        (response) => {
          resolve(response.statusCode ?? 0);
          request.destroy();
        },
      );
      request.on('error', reject);
      request.write('x');
    });
    assert.equal(status, 413);
  });

  it('ends a stolen token when its owner registers again or renews it, and takes no token of nobody', async () => {
    const thief = new TestClient(core, network.otherMiner, 'miner', 'thief');
    const victim = await new TestClient(core, network.miner, 'miner', 'victim').register();
    thief.token = victim.token;
    assert.equal((await thief.call('shards')).status, 200, 'a bearer token is as good as its holder');
    await victim.register();
    network.clock.nowMs += 6_000; // nodes remember a token for some seconds
    assert.deepEqual(
      [(await thief.call('shards')).body.code, (await victim.call('shards')).status],
      ['TOKEN_INVALID', 200],
    );
    const renewed = (await victim.call('refresh')).body;
    network.clock.nowMs += 6_000;
    assert.equal((await victim.call('shards')).body.code, 'TOKEN_INVALID');
    victim.token = renewed.token;
    assert.equal((await victim.call('shards')).status, 200);
    for (const token of ['x', 'A'.repeat(43), `${renewed.token}x`, '%00'.repeat(20)]) {
      thief.token = token;
      assert.equal((await thief.call('shards')).status, 401);
    }
  });

  it('bans by the word of its own key only, at once, and lifts the ban again', async () => {
    const { address } = network.otherMiner;
    const say = (action: 'ban' | 'unban', changes: { signer?: typeof network.miner; atMs?: number } = {}) => {
      const words = { action, address, reason: 'sent junk', atMs: changes.atMs ?? network.clock.nowMs };
      const message = operatorMessage(core.context.networkId, words);
      const signature = toHex((changes.signer ?? network.options.serverKey).sign(message));
      return miner.call('operator', { body: { ...words, signature } });
    };
    const other = await new TestClient(core, network.otherMiner).register();
    assert.equal((await say('ban', { signer: network.miner })).body.code, 'SIGNATURE_INVALID');
    assert.equal(
      (await say('ban', { atMs: network.clock.nowMs - 61_000 })).body.code,
      'OPERATOR_MESSAGE_OLD',
    );
    assert.deepEqual((await say('ban')).body.bans, [
      { address, reason: 'sent junk', source: 'operator', bannedAtMs: network.clock.nowMs },
    ]);
    const refused = await other.call('shards');
    assert.deepEqual([refused.status, refused.body.code], [403, 'BANNED']);
    const device = { kind: 'cpu', name: 'x', threads: 1, memoryBytes: 1, software: 'x' };
    const body = { address, instance: 'new', role: 'miner', device };
    assert.equal((await other.call('challenge', { body })).body.code, 'BANNED');
    await say('unban', { atMs: network.clock.nowMs + 1 });
    assert.equal((await other.register()).token.length, 43);
    assert.equal((await say('ban')).body.code, 'OPERATOR_MESSAGE_OLD', 'overheard, and sent again');
    assert.equal((await other.call('shards')).status, 200);
    const actions = (await auditEntries(core.context.db, 10)).map(({ action, subject }) => [action, subject]);
    assert.deepEqual(actions.slice(0, 3), [
      ['register', address],
      ['unban', address],
      ['ban', address],
    ]);
  });

  it('follows the bans of the chain, and forgets the one that the chain lifts', async () => {
    const { address } = network.otherMiner;
    const chain = network.chain as typeof network.chain & {
      bans?: () => Promise<{ address: typeof address; reason: string }[]>;
    };
    chain.bans = async () => [{ address, reason: 'slashed' }];
    await core.followBans();
    const other = new TestClient(core, network.otherMiner);
    await assert.rejects(other.register(), /slashed/);
    chain.bans = async () => [];
    await core.followBans();
    assert.equal((await other.register()).token.length, 43);
  });

  it('shows its figures to the holder of the metrics token, without any address in them', async () => {
    const ask = (authorization?: string) =>
      core.app.inject({ url: '/metrics', headers: authorization === undefined ? {} : { authorization } });
    assert.equal((await ask()).statusCode, 401);
    assert.equal((await ask('Bearer wrong')).statusCode, 401);
    const { body } = await ask(`Bearer ${'m'.repeat(32)}`);
    assert.match(body, /alice_submissions\{kind="queued"\} 1\n/);
    assert.match(body, /alice_refusals_total\{code="NONCE_USED"\} 1\n/);
    assert.match(
      body,
      /alice_http_request_seconds_count\{route="\/v1\/tasks\/:taskId\/submission",method="PUT",status="202"\} 1\n/,
    );
    assert.ok(!body.includes(network.miner.address));
  });

  it('bounds a flood of registrations without touching who is registered', async () => {
    const device = { kind: 'cpu' as const, name: 'x', threads: 1, memoryBytes: 1, software: 'x' };
    const flood = await Promise.all(
      Array.from({ length: 80 }, (_, i) =>
        new TestClient(core, network.otherMiner).call('challenge', {
          body: { address: network.otherMiner.address, instance: `flood-${i}`, role: 'miner', device },
        }),
      ),
    );
    const codes = flood.map(({ status, body }) => (status === 200 ? 'given' : body.code));
    assert.ok(codes.filter((code) => code === 'RATE_LIMITED').length >= 40, codes.join());
    assert.ok(Number(flood.at(-1)!.headers['retry-after']) >= 1);
    await isServed();
  });
});
