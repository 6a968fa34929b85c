/** @file Checks the RPC surface over real HTTP and WebSocket connections, on a fake runtime driven by hand. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { addressOf, fromHex, type HexString, initCrypto, silentLogger, toHex, utf8 } from '@alice/protocol';
import fc from 'fast-check';
import { WebSocket } from 'ws';
import { fakeAccount, fakeExtrinsic, fakeKey, fakeRuntime } from '../testing/fakeRuntime.js';
import { type SoloScratch, soloScratch } from '../testing/soloScratch.js';
import { verifyProof } from '../testing/verifyProof.js';
import { blake2, initHasher } from '../trie/blake2.js';
import { type RpcServer, startRpcServer } from './server.js';

interface Reply {
  readonly id: unknown;
  readonly result?: unknown;
  readonly error?: { code: number; message: string; data?: string };
}

const LIMITS = {
  ...{ bodyBytes: 20_000, batchLength: 5, connections: 50, subscriptionsPerConnection: 3 },
  ...{ connectionsPerAddress: 10, requestsPerSecondPerAddress: 100 },
};
let scratch: SoloScratch;
let server: RpcServer;

before(async () => {
  await Promise.all([initCrypto(), initHasher()]);
  scratch = soloScratch();
  const context = { engine: scratch.engine, runtime: fakeRuntime(), chainName: 'Test', log: silentLogger };
  server = await startRpcServer({ context, host: '127.0.0.1', port: 0, limits: LIMITS, log: silentLogger });
});
after(async () => {
  await server.close();
  await scratch.store.close();
});

const url = (): string => `http://127.0.0.1:${server.port}/`;
const post = (body: string): Promise<Response> => fetch(url(), { method: 'POST', body });
const ask = async (method: string, ...params: unknown[]): Promise<Reply> =>
  (await (await post(JSON.stringify({ jsonrpc: '2.0', id: 7, method, params }))).json()) as Reply;
const codeOf = async (method: string, ...params: unknown[]): Promise<number | undefined> =>
  (await ask(method, ...params)).error?.code;
const resultOf = async (method: string, ...params: unknown[]): Promise<unknown> => {
  const reply = await ask(method, ...params);
  assert.equal(reply.error, undefined, `${method}: ${JSON.stringify(reply.error)}`);
  return reply.result;
};

/** A WebSocket client that keeps every message and can wait for the n-th. */
async function connect() {
  const socket = new WebSocket(`ws://127.0.0.1:${server.port}`);
  const messages: (Reply & { method?: string; params?: { subscription: string; result: unknown } })[] = [];
  socket.on('message', (data) => {
    messages.push(JSON.parse(String(data)));
    socket.emit('kept');
  });
  await once(socket, 'open');
  const message = async (index: number) => {
    while (messages.length <= index) await once(socket, 'kept');
    return messages[index]!;
  };
  const send = (id: number, method: string, ...params: unknown[]): void =>
    socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
  return { socket, messages, message, send };
}

test('an idle connection outlives a busy moment of node or client', async () => {
  const answer = await post(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'system_chain', params: [] }));
  await answer.text();
  const seconds = Number(/timeout=(\d+)/.exec(answer.headers.get('keep-alive') ?? '')?.[1]);
  assert.ok(seconds >= 60, `a connection is kept for ${seconds} s`);
});

test('malformed requests get the codes of JSON-RPC 2.0', async () => {
  const errorOf = async (body: string): Promise<number | undefined> =>
    ((await (await post(body)).json()) as Reply).error?.code;
  assert.equal(await errorOf('{"jsonrpc"'), -32700);
  assert.equal(await errorOf(''), -32700);
  assert.equal(await errorOf('[]'), -32600);
  assert.equal(await errorOf('3'), -32600);
  assert.equal(await errorOf('{"id":1,"method":"system_name"}'), -32600);
  assert.equal(await errorOf('{"jsonrpc":"2.0","id":{},"method":"system_name"}'), -32600);
  assert.equal(await codeOf('no_such'), -32601);
  assert.equal(await codeOf('toString'), -32601);
  assert.equal(await codeOf('chain_subscribeNewHeads'), -32601, 'subscriptions need a WebSocket');
  assert.equal(await codeOf('state_getStorage', 'x'), -32602);
  assert.equal(await codeOf('state_getStorage', '0x123'), -32602);
  assert.equal(await codeOf('chain_getBlockHash', -1), -32602);
  assert.equal(await codeOf('chain_getBlockHash', { a: 1 }), -32602);
  assert.equal(await codeOf('chain_getHeader', '0x12'), -32602);
  assert.equal(await codeOf('state_getKeysPaged', '0x', 5000), -32602);
  assert.equal(
    await codeOf('system_accountNextIndex', '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY'),
    -32602,
  );
  assert.equal(
    await errorOf('{"jsonrpc":"2.0","id":1,"method":"chain_getHeader","params":{"hash":1}}'),
    -32602,
  );
  assert.equal(await codeOf('state_getStorage', '0x00', `0x${'9'.repeat(64)}`), 4003);
  assert.equal(await codeOf('state_call', 'No_api', '0x'), 4003);
  assert.equal(await codeOf('author_submitExtrinsic', '0x01'), 1010);
});

test('a batch is answered in order, notifications not at all, and its length is limited', async () => {
  const request = (id: number | undefined, method: string) => ({ jsonrpc: '2.0', id, method });
  const batch = [request(1, 'system_chain'), request(undefined, 'system_chain'), 5, request(2, 'nope')];
  const replies = (await (await post(JSON.stringify(batch))).json()) as Reply[];
  assert.deepEqual(
    replies.map(({ id, result, error }) => [id, result ?? error?.code]),
    [
      [1, 'Test'],
      [null, -32600],
      [2, -32601],
    ],
  );
  assert.equal((await post(JSON.stringify([request(undefined, 'system_chain')]))).status, 204);
  const long = (await (
    await post(JSON.stringify(Array.from({ length: 6 }, (_, i) => request(i, 'system_chain'))))
  ).json()) as Reply;
  assert.equal(long.error?.code, -32010);
});

test('a body over the limit is refused with 413 and the server lives on', async () => {
  const response = await post(`"${'x'.repeat(30_000)}"`);
  assert.equal(response.status, 413);
  assert.equal(((await response.json()) as Reply).error?.code, -32007);
  assert.equal(await resultOf('system_chain'), 'Test');
});

test('the state is read at the head and at older blocks, with proofs that verify', async () => {
  const { engine, chain } = scratch;
  const key = fakeKey(200);
  engine.submit(fakeExtrinsic({ signer: 9, nonce: 0, key: 200, value: utf8.encode('old') }));
  const first = engine.produceBlock();
  engine.submit(fakeExtrinsic({ signer: 9, nonce: 1, key: 200, value: utf8.encode('new') }));
  const second = engine.produceBlock();
  const hexKey = toHex(key);
  assert.equal(await resultOf('state_getStorage', hexKey), toHex(utf8.encode('new')));
  assert.equal(await resultOf('state_getStorage', hexKey, first.hash), toHex(utf8.encode('old')));
  assert.equal(await resultOf('state_getStorage', hexKey, chain.genesisHash), null);
  assert.equal(await resultOf('state_getStorageSize', hexKey), 3);
  assert.equal(await resultOf('state_getStorageHash', hexKey), toHex(blake2(utf8.encode('new'))));
  assert.deepEqual(await resultOf('state_getKeysPaged', toHex(utf8.encode('value/')), 10, null, first.hash), [
    hexKey,
  ]);
  assert.deepEqual(await resultOf('state_queryStorageAt', [hexKey, '0x00'], first.hash), [
    {
      block: first.hash,
      changes: [
        [hexKey, toHex(utf8.encode('old'))],
        ['0x00', null],
      ],
    },
  ]);
  for (const block of [first, second]) {
    const { at, proof } = (await resultOf('state_getReadProof', [hexKey], block.hash)) as {
      at: string;
      proof: HexString[];
    };
    assert.equal(at, block.hash);
    const proven = verifyProof(fromHex(block.header.stateRoot), proof.map(fromHex), key);
    assert.deepEqual(proven, { kind: 'present', value: chain.stateAt(block.hash).get(key) });
  }
});

test('keys that no state can hold hold nothing, at the head and before it', async () => {
  const head = scratch.engine.produceBlock();
  const older = head.header.parentHash;
  const long = `0x${'ab'.repeat(4000)}`;
  for (const at of [head.hash, older])
    for (const key of ['0x', long]) {
      assert.equal(await resultOf('state_getStorage', key, at), null);
      const { proof } = (await resultOf('state_getReadProof', [key], at)) as { proof: HexString[] };
      const root = fromHex(scratch.chain.blockByHash(at)!.header.stateRoot);
      assert.equal(verifyProof(root, proof.map(fromHex), fromHex(key)).kind, 'absent');
    }
  assert.deepEqual(await resultOf('state_getKeysPaged', long, 10), []);
  assert.deepEqual(await resultOf('state_getKeysPaged', '0x', 10, long), []);
  const all = (await resultOf('state_getKeysPaged', '0x', 1000)) as string[];
  assert.deepEqual(await resultOf('state_getKeysPaged', '0x', 1000, '0x'), all);
});

test('blocks are found by number in every notation and by hash', async () => {
  const { engine, chain } = scratch;
  const block = engine.produceBlock();
  const { number } = block.header;
  assert.equal(await resultOf('chain_getBlockHash'), block.hash);
  assert.equal(await resultOf('chain_getBlockHash', number), block.hash);
  assert.equal(await resultOf('chain_getBlockHash', `0x${number.toString(16)}`), block.hash);
  assert.deepEqual(await resultOf('chain_getBlockHash', [0, 99_999]), [chain.genesisHash, null]);
  const header = {
    parentHash: block.header.parentHash,
    number: `0x${number.toString(16)}`,
    stateRoot: block.header.stateRoot,
  };
  const full = { ...header, extrinsicsRoot: block.header.extrinsicsRoot, digest: { logs: [] } };
  assert.deepEqual(await resultOf('chain_getHeader', block.hash), full);
  const expected = { block: { header: full, extrinsics: block.extrinsics.map(toHex) }, justifications: null };
  assert.deepEqual(await resultOf('chain_getBlock'), expected);
  assert.equal(await resultOf('chain_getHeader', `0x${'9'.repeat(64)}`), null);
});

test('the nonce counts the pool at the head, and the plain state at older blocks', async () => {
  const { engine, chain } = scratch;
  const account = fakeAccount(20);
  scratch.time.runWaiting();
  engine.submit(fakeExtrinsic({ signer: 20, nonce: 0 }));
  engine.submit(fakeExtrinsic({ signer: 20, nonce: 1 }));
  assert.equal(await resultOf('system_accountNextIndex', addressOf(account)), 2);
  assert.equal(await resultOf('state_call', 'AccountNonceApi_account_nonce', toHex(account)), '0x02000000');
  const atGenesis = await resultOf(
    'state_call',
    'AccountNonceApi_account_nonce',
    toHex(account),
    chain.genesisHash,
  );
  assert.equal(atGenesis, '0x00000000');
  engine.produceBlock();
});

test('the fate of an extrinsic can be asked for by hash', async () => {
  const { engine } = scratch;
  const failing = fakeExtrinsic({ signer: 21, nonce: 0, operation: 'fail' });
  const dropped = fakeExtrinsic({ signer: 22, nonce: 0, operation: 'drop' });
  const hash = await resultOf('author_submitExtrinsic', toHex(failing));
  const droppedHash = await resultOf('author_submitExtrinsic', toHex(dropped));
  assert.equal(hash, toHex(blake2(failing)));
  assert.deepEqual(await resultOf('alice_extrinsicStatus', hash), { status: 'pool' });
  assert.deepEqual(await resultOf('author_pendingExtrinsics'), [toHex(failing), toHex(dropped)]);
  assert.equal(await codeOf('author_submitExtrinsic', toHex(failing)), 1013);
  const { hash: blockHash, header } = engine.produceBlock();
  const included = { status: 'included', blockHash, blockNumber: header.number, error: 'Fake.Failed' };
  assert.deepEqual(await resultOf('alice_extrinsicStatus', hash), included);
  assert.deepEqual(await resultOf('alice_extrinsicStatus', droppedHash), {
    status: 'unknown',
    error: 'Payment',
  });
  assert.deepEqual(await resultOf('alice_extrinsicStatus', `0x${'5'.repeat(64)}`), { status: 'unknown' });
  assert.equal(await codeOf('author_submitExtrinsic', toHex(failing)), 1010);
});

test('a watched extrinsic reports ready, in block and finalized, in that order, after its subscription id', async () => {
  const client = await connect();
  const extrinsic = toHex(fakeExtrinsic({ signer: 30, nonce: 0 }));
  client.send(1, 'author_submitAndWatchExtrinsic', extrinsic);
  const { result: id } = await client.message(0);
  assert.deepEqual((await client.message(1)).params, { subscription: id, result: 'ready' });
  const { hash } = scratch.engine.produceBlock();
  assert.deepEqual((await client.message(2)).params, { subscription: id, result: { inBlock: hash } });
  scratch.time.runWaiting();
  assert.deepEqual((await client.message(3)).params, { subscription: id, result: { finalized: hash } });
  assert.equal(client.messages[3]!.method, 'author_extrinsicUpdate');
  client.send(2, 'author_submitAndWatchExtrinsic', '0x01');
  assert.equal((await client.message(4)).error?.code, 1010);
  client.socket.close();
});

test('storage and head subscriptions send the present, then changes only, until ended', async () => {
  const { engine } = scratch;
  const client = await connect();
  const [key, other] = [toHex(fakeKey(77)), toHex(fakeKey(78))];
  client.send(1, 'state_subscribeStorage', [key, other]);
  const { result: id } = await client.message(0);
  const start = (await client.message(1)).params!.result as { changes: unknown };
  assert.deepEqual(start.changes, [
    [key, null],
    [other, null],
  ]);
  engine.produceBlock(); // changes neither key: no message
  engine.submit(fakeExtrinsic({ signer: 31, nonce: 0, key: 77, value: utf8.encode('now') }));
  const { hash } = engine.produceBlock();
  const change = { block: hash, changes: [[key, toHex(utf8.encode('now'))]] };
  assert.deepEqual((await client.message(2)).params, { subscription: id, result: change });
  client.send(2, 'state_unsubscribeStorage', id);
  assert.equal((await client.message(3)).result, true);
  client.send(3, 'chain_subscribeNewHeads');
  assert.equal(
    ((await client.message(5)).params!.result as { number: string }).number,
    `0x${engine.chain.head.header.number.toString(16)}`,
  );
  const next = engine.produceBlock();
  assert.equal(
    ((await client.message(6)).params!.result as { parentHash: string }).parentHash,
    next.header.parentHash,
  );
  client.socket.close();
});

test('subscriptions per connection are limited, and end with the connection', async () => {
  const client = await connect();
  for (let id = 0; id < 4; id++) client.send(id, 'state_subscribeRuntimeVersion');
  client.send(9, 'system_chain');
  while (!client.messages.some(({ id }) => id === 9)) await once(client.socket, 'kept');
  assert.equal(client.messages.find(({ id }) => id === 3)?.error?.code, -32006);
  client.socket.close();
});

test('the health figures come as a method and as a page with a status code', async () => {
  const response = await fetch(`${url()}health`);
  assert.equal(response.status, 200);
  const { headNumber, status } = (await response.json()) as { headNumber: number; status: string };
  assert.equal(status, 'ok');
  assert.equal(headNumber, scratch.chain.head.header.number);
  scratch.clock.nowMs += 31_000; // more than ten block times without a block
  assert.equal((await fetch(`${url()}health`)).status, 503);
  scratch.engine.produceBlock();
  assert.equal((await fetch(`${url()}health`)).status, 200);
});

test('a taken port is a coded error that names it', async () => {
  const context = { engine: scratch.engine, runtime: fakeRuntime(), chainName: 'Test', log: silentLogger };
  const options = { context, host: '127.0.0.1', port: server.port, limits: LIMITS, log: silentLogger };
  await assert.rejects(startRpcServer(options), {
    code: 'PORT_BUSY',
    info: { code: 'PORT_BUSY', host: '127.0.0.1', port: server.port },
  });
});

// The last test: what it submits stays in the pool.
test('no request text or parameters, however odd, go without a coded answer', async () => {
  const names = (await resultOf('rpc_methods')) as { methods: string[] };
  const hexish = fc.oneof(
    fc.uint8Array({ maxLength: 40 }).map(toHex),
    fc.constantFrom('0x', `0x${'00'.repeat(32)}`, scratch.chain.genesisHash, 'AccountNonceApi_account_nonce'),
  );
  const odd = fc.oneof(
    hexish,
    fc.json().map((text) => JSON.parse(text) as unknown),
    fc.array(hexish, { maxLength: 3 }),
  );
  const params = fc.oneof(fc.array(odd, { maxLength: 4 }), odd);
  const call = fc.record({
    jsonrpc: fc.constant('2.0'),
    id: fc.constant(1),
    method: fc.constantFrom(...names.methods),
    params,
  });
  await fc.assert(
    fc.asyncProperty(call, async (request) => {
      const reply = (await (await post(JSON.stringify(request))).json()) as Reply;
      assert.ok('result' in reply || Number.isInteger(reply.error?.code), JSON.stringify(request));
      assert.notEqual(reply.error?.code, -32603, `internal error for ${JSON.stringify(request)}`);
    }),
    { numRuns: 600 },
  );
});
