/** @file The client against a scripted node: requests it makes, answers it refuses, waiting without a clock. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { fromHex, toHex } from '../bytes.js';
import { initCrypto, type KeyPair, keyPairFromSecret } from '../keys.js';
import { ChainClient, type ChainClientPorts } from './ChainClient.js';
import { encodeCall } from './encodeCall.js';
import { ChainError, type ChainErrorInfo } from './errors.js';
import { u32, u128 } from './scaleWrite.js';
import { storageKeys } from './storageKeys.js';

const hash = (digit: string): `0x${string}` => `0x${digit.repeat(64)}`;
let alice: KeyPair;
before(async () => {
  await initCrypto();
  alice = keyPairFromSecret('//Alice');
});

type Answers = Record<string, (...params: never[]) => unknown>;

/** A client whose node answers from `answers`; `refuse` makes a JSON-RPC error. Time moves only when it sleeps. */
function clientOf(answers: Answers, ports: Partial<ChainClientPorts> = {}) {
  const requests: [method: string, ...params: unknown[]][] = [];
  let clockMs = 0;
  const answer: typeof fetch = async (_url, init) => {
    const { id, method, params } = JSON.parse(String(init?.body));
    requests.push([method, ...params]);
    const result = answers[method]?.(...(params as never[]));
    const body = result instanceof RpcRefusal ? { error: result } : { result: result ?? null };
    return new Response(JSON.stringify({ jsonrpc: '2.0', id, ...body }));
  };
  const sleep = async (ms: number, signal?: AbortSignal): Promise<void> => {
    signal?.throwIfAborted();
    clockMs += ms;
  };
  const client = new ChainClient(
    { url: 'http://127.0.0.1:9944' },
    { fetch: answer, sleep, nowMs: () => clockMs, ...ports },
  );
  return { client, requests };
}

class RpcRefusal {
  readonly code: number;
  readonly message = 'Invalid Transaction';
  readonly data = 'Transaction has a bad signature';
  constructor(code: number) {
    this.code = code;
  }
}

async function infoOf(run: Promise<unknown>): Promise<ChainErrorInfo | 'ok'> {
  try {
    await run;
    return 'ok';
  } catch (error) {
    if (error instanceof ChainError) return error.info;
    throw error;
  }
}

test('reads ask for the right key at the given block and decode the answer', async () => {
  const stored = new Map([
    [
      toHex(storageKeys.account(alice.address)),
      toHex(
        Uint8Array.of(...u32(4), ...new Uint8Array(12), ...u128(500n), ...u128(1n), ...u128(2n), ...u128(0n)),
      ),
    ],
    [toHex(storageKeys.totalIssuance()), toHex(u128(7n * 10n ** 18n))],
    [toHex(storageKeys.currentEpoch()), toHex(u32(12))],
  ]);
  const { client, requests } = clientOf({
    state_getStorage: (key: string) => stored.get(key as `0x${string}`) ?? null,
  });
  const at = hash('5');
  assert.deepEqual(await client.account(alice.address, { at }), {
    nonce: 4,
    freePlanck: 500n,
    reservedPlanck: 1n,
    frozenPlanck: 2n,
  });
  assert.equal(await client.totalIssuance({ at }), 7n * 10n ** 18n);
  assert.equal(await client.currentEpoch(), 12);
  assert.deepEqual(
    requests.map(([, , block]) => block),
    [at, at, undefined],
  );
  assert.deepEqual((await client.account(keyPairFromSecret('//Bob').address)).freePlanck, 0n);
  assert.equal(await client.epoch(3), undefined);
  assert.deepEqual(await client.payouts(3, { at }), []);
  assert.equal(await client.contribution(alice.address), undefined);
});

test('head and genesis', async () => {
  const { client, requests } = clientOf({
    chain_getBlockHash: (number?: number) => (number === 0 ? hash('0') : hash('a')),
    chain_getHeader: (block: string) => (block === hash('a') ? { number: '0x1f4' } : null),
  });
  assert.deepEqual(await client.head(), { number: 500, hash: hash('a') });
  assert.equal(await client.genesisHash(), hash('0'));
  assert.equal(await client.genesisHash(), hash('0'));
  assert.equal(
    requests.filter(([method, block]) => method === 'chain_getBlockHash' && block === 0).length,
    1,
    'asked once',
  );
});

test('a transfer is signed for this chain with the next nonce and submitted once', async () => {
  let submitted = '';
  const { client, requests } = clientOf({
    chain_getBlockHash: () => hash('0'),
    state_getRuntimeVersion: () => ({ specVersion: 3, transactionVersion: 2 }),
    system_accountNextIndex: (address: string) => (address === alice.address ? 9 : -1),
    author_submitExtrinsic: (extrinsic: string) => {
      submitted = extrinsic;
      return hash('e');
    },
  });
  const to = keyPairFromSecret('//Bob').address;
  assert.equal(await client.transfer(alice, { to, planck: 5n }), hash('e'));
  const call = encodeCall.transferKeepAlive({ to, planck: 5n });
  const extra = Uint8Array.of(0, 9 << 2, 0, 0);
  assert.deepEqual(fromHex(submitted).slice(-call.length - 4), Uint8Array.of(...extra, ...call));
  assert.equal(requests.filter(([method]) => method === 'author_submitExtrinsic').length, 1);
});

test('waiting ends with the block, the failed call, or the time', async () => {
  const stages = [
    { status: 'unknown' },
    { status: 'pool' },
    { status: 'pool' },
    { status: 'included', blockHash: hash('b'), blockNumber: 77, error: null },
  ];
  const { client, requests } = clientOf({
    alice_extrinsicStatus: () => stages[Math.min(requests.length - 1, 3)],
  });
  assert.deepEqual(await client.waitFor(hash('e'), { timeoutMs: 5000 }), {
    hash: hash('e'),
    blockHash: hash('b'),
    blockNumber: 77,
  });
  assert.equal(requests.length, 4);

  const failed = clientOf({
    alice_extrinsicStatus: () => ({
      status: 'included',
      blockHash: hash('b'),
      blockNumber: 1,
      error: 'Balances.InsufficientBalance',
    }),
  });
  assert.deepEqual(await infoOf(failed.client.waitFor(hash('e'), { timeoutMs: 5000 })), {
    code: 'EXTRINSIC_FAILED',
    hash: hash('e'),
    error: 'Balances.InsufficientBalance',
    blockHash: hash('b'),
  });

  const dropped = clientOf({ alice_extrinsicStatus: () => ({ status: 'unknown', error: 'Payment' }) });
  assert.deepEqual(await infoOf(dropped.client.waitFor(hash('e'), { timeoutMs: 5000 })), {
    code: 'EXTRINSIC_DROPPED',
    hash: hash('e'),
    reason: 'Payment',
  });

  const stuck = clientOf({ alice_extrinsicStatus: () => ({ status: 'pool' }) });
  assert.deepEqual(await infoOf(stuck.client.waitFor(hash('e'), { timeoutMs: 2000 })), {
    code: 'EXTRINSIC_TIMEOUT',
    hash: hash('e'),
    timeoutMs: 2000,
    lastStatus: 'pool',
  });
  assert.equal(stuck.requests.length, 5, 'at 0, 500, …, 2000 ms');
});

test('an outage while waiting is waited out; an aborted signal ends it at once', async () => {
  let calls = 0;
  const flaky: typeof fetch = async () => {
    if (++calls < 3) throw new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED') });
    return new Response(
      JSON.stringify({ result: { status: 'included', blockHash: hash('b'), blockNumber: 2 } }),
    );
  };
  assert.equal(
    (await clientOf({}, { fetch: flaky }).client.waitFor(hash('e'), { timeoutMs: 60_000 })).blockNumber,
    2,
  );

  const abort = new AbortController();
  const { client, requests } = clientOf({
    alice_extrinsicStatus: () => {
      abort.abort(new Error('stopped'));
      return { status: 'pool' };
    },
  });
  await assert.rejects(
    client.waitFor(hash('e'), { timeoutMs: 60_000, signal: abort.signal }),
    /^Error: stopped$/,
  );
  assert.equal(requests.length, 1);
  await assert.rejects(client.head({ signal: abort.signal }), /^Error: stopped$/);
});

test('what the node refuses or garbles has its code', async () => {
  const refusing = clientOf({ author_submitExtrinsic: () => new RpcRefusal(1010) });
  assert.deepEqual(await infoOf(refusing.client.submit(Uint8Array.of(1))), {
    code: 'CHAIN_RPC_ERROR',
    method: 'author_submitExtrinsic',
    rpcCode: 1010,
    detail: 'Invalid Transaction: Transaction has a bad signature',
  });
  const code = async (run: Promise<unknown>): Promise<string> => {
    const info = await infoOf(run);
    return info === 'ok' ? info : info.code;
  };
  const garbled = clientOf({
    state_getStorage: () => 'zz',
    chain_getBlockHash: () => '0x12',
    system_accountNextIndex: () => '5',
    alice_extrinsicStatus: () => ({ status: 'eaten' }),
  }).client;
  assert.equal(await code(garbled.totalIssuance()), 'CHAIN_BAD_ANSWER');
  assert.equal(await code(garbled.head()), 'CHAIN_BAD_ANSWER');
  assert.equal(await code(garbled.nextNonce(alice.address)), 'CHAIN_BAD_ANSWER');
  assert.equal(await code(garbled.waitFor(hash('e'), { timeoutMs: 1000 })), 'CHAIN_BAD_ANSWER');
  assert.equal(
    await code(clientOf({ state_getStorage: () => '0x0102' }).client.totalIssuance()),
    'SCALE_INVALID',
  );
  const page = clientOf({}, { fetch: async () => new Response('<html>', { status: 502 }) }).client;
  assert.deepEqual(await infoOf(page.head()), {
    code: 'CHAIN_UNREACHABLE',
    url: 'http://127.0.0.1:9944',
    reason: 'HTTP 502',
  });
  for (const body of ['<html>', '7', 'null', '{}'])
    assert.equal(
      await code(clientOf({}, { fetch: async () => new Response(body) }).client.head()),
      'CHAIN_BAD_ANSWER',
      body,
    );
});

test('a node that never answers is given up after the time limit', async () => {
  const hanging: typeof fetch = (_url, init) =>
    new Promise((_resolve, reject) =>
      init?.signal?.addEventListener('abort', () => reject(new DOMException('aborted', 'AbortError'))),
    );
  const client = new ChainClient({ url: 'http://localhost:1', timeoutMs: 5 }, { fetch: hanging });
  assert.deepEqual(await infoOf(client.head()), {
    code: 'CHAIN_UNREACHABLE',
    url: 'http://localhost:1',
    reason: 'no answer within 5 ms',
  });
});
