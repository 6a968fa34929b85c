/** @file Checks pool order, limits, announcements and fault isolation on a fake runtime, with time driven by hand. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { type HexString, toHex, utf8 } from '@alice/protocol';
import { fakeAccount, fakeExtrinsic, fakeKey, fakeRuntime } from '../testing/fakeRuntime.js';
import { GENESIS_TIME_MS } from '../testing/scratchChain.js';
import { type SoloScratch, soloScratch } from '../testing/soloScratch.js';
import { blake2, initHasher } from '../trie/blake2.js';
import type { ExtrinsicEvent } from './interface.js';

before(initHasher);

const hashOf = (extrinsic: Uint8Array): HexString => toHex(blake2(extrinsic));
/** The RPC number an action is refused with. */
const refusal = async (action: () => unknown): Promise<number | undefined> => {
  try {
    await action();
  } catch (error) {
    return (error as { info: { rpcCode: number } }).info.rpcCode;
  }
  return undefined;
};
const storedValue = ({ chain }: SoloScratch, key: number): Uint8Array | undefined =>
  chain.headState.get(fakeKey(key));

test('a transaction goes from the pool into a block, is announced, then final one tick later', async () => {
  const scratch = soloScratch();
  const { engine, chain, time, store } = scratch;
  const extrinsic = fakeExtrinsic({ signer: 1, nonce: 0, key: 5, value: utf8.encode('hello') });
  const events: ExtrinsicEvent[] = [];
  engine.watch(hashOf(extrinsic), (event) => events.push(event));
  assert.equal(await engine.submit(extrinsic), hashOf(extrinsic));
  assert.deepEqual(engine.statusOf(hashOf(extrinsic)), { status: 'pool' });
  assert.equal(engine.nextNonce(fakeAccount(1)), 1);
  const block = engine.produceBlock();
  assert.deepEqual(storedValue(scratch, 5), utf8.encode('hello'));
  assert.deepEqual(block.extrinsics[1], extrinsic);
  assert.equal(chain.head.hash, block.hash);
  assert.equal(engine.finalized.header.number, 0);
  assert.deepEqual(events, [{ kind: 'ready' }, { kind: 'inBlock', blockHash: block.hash }]);
  time.runWaiting();
  assert.deepEqual(events.at(-1), { kind: 'finalized', blockHash: block.hash });
  assert.equal(engine.finalized.hash, block.hash);
  assert.deepEqual(engine.statusOf(hashOf(extrinsic)), {
    status: 'included',
    blockHash: block.hash,
    blockNumber: 1,
  });
  assert.equal(engine.pending().length, 0);
  await store.close();
});

test('a failed call is included with its error, and its status says so after a restart', async () => {
  const { engine, dir, store } = soloScratch();
  const extrinsic = fakeExtrinsic({ signer: 1, nonce: 0, operation: 'fail' });
  await engine.submit(extrinsic);
  const { hash: blockHash } = engine.produceBlock();
  const expected = { status: 'included', blockHash, blockNumber: 1, error: 'Fake.Failed' };
  assert.deepEqual(engine.statusOf(hashOf(extrinsic)), expected);
  await store.close();
  const again = soloScratch({ dir });
  assert.equal(again.chain.head.hash, blockHash);
  assert.deepEqual(again.engine.statusOf(hashOf(extrinsic)), expected);
  assert.equal(await refusal(() => again.engine.submit(extrinsic)), 1010, 'its nonce is used up');
  await again.store.close();
});

test('block time is the clock, but always after the parent', async () => {
  const { engine, clock, store } = soloScratch();
  clock.nowMs = Number(GENESIS_TIME_MS) + 5000;
  assert.equal(engine.produceBlock().timestampMs, GENESIS_TIME_MS + 5000n);
  clock.nowMs -= 4000; // the machine's clock was set back
  assert.equal(engine.produceBlock().timestampMs, GENESIS_TIME_MS + 5001n);
  await store.close();
});

test('a nonce gap waits, and becomes ready when it is filled', async () => {
  const scratch = soloScratch();
  const { engine, store } = scratch;
  const [zero, one, two] = [0, 1, 2].map((nonce) => fakeExtrinsic({ signer: 1, nonce, key: nonce }));
  const kinds: string[] = [];
  engine.watch(hashOf(two!), ({ kind }) => kinds.push(kind));
  await engine.submit(two!);
  assert.equal(engine.nextNonce(fakeAccount(1)), 0);
  assert.equal(engine.produceBlock().extrinsics.length, 1, 'only the timestamp');
  await engine.submit(one!);
  assert.deepEqual(kinds, ['future']);
  await engine.submit(zero!);
  assert.deepEqual(kinds, ['future', 'ready']);
  assert.equal(engine.nextNonce(fakeAccount(1)), 3);
  assert.deepEqual(engine.produceBlock().extrinsics.slice(1), [zero, one, two]);
  assert.deepEqual(kinds, ['future', 'ready', 'inBlock']);
  await store.close();
});

test('blocks take higher priority first, equal ones by arrival, and never break a nonce chain', async () => {
  const { engine, store } = soloScratch();
  const call = (signer: number, nonce: number, priority: number) =>
    fakeExtrinsic({ signer, nonce, priority });
  const offered = [call(1, 0, 1), call(1, 1, 9), call(2, 0, 5), call(3, 0, 5), call(4, 0, 2)];
  for (const extrinsic of offered) await engine.submit(extrinsic);
  const order = engine
    .produceBlock()
    .extrinsics.slice(1)
    .map((x) => [x[0], x[1]]);
  assert.deepEqual(order, [
    [2, 0],
    [3, 0],
    [4, 0],
    [1, 0],
    [1, 1],
  ]);
  await store.close();
});

test('the pool refuses what it has, what does not outbid, and what is invalid', async () => {
  const { engine, store } = soloScratch();
  const cheap = fakeExtrinsic({ signer: 1, nonce: 0, priority: 3 });
  await engine.submit(cheap);
  assert.equal(await refusal(() => engine.submit(cheap)), 1013);
  assert.equal(
    await refusal(() => engine.submit(fakeExtrinsic({ signer: 1, nonce: 0, priority: 3, key: 1 }))),
    1014,
  );
  assert.equal(await refusal(() => engine.submit(Uint8Array.of(1))), 1010);
  const events: ExtrinsicEvent[] = [];
  engine.watch(hashOf(cheap), (event) => events.push(event));
  const better = fakeExtrinsic({ signer: 1, nonce: 0, priority: 4, key: 2 });
  await engine.submit(better);
  assert.deepEqual(events, [{ kind: 'usurped', by: hashOf(better) }]);
  assert.deepEqual(engine.produceBlock().extrinsics.slice(1), [better]);
  await store.close();
});

test('a full pool makes room only for a higher priority, and drops the last of a chain first', async () => {
  const { engine, store } = soloScratch({ poolLimits: { count: 4, bytes: 1000, perSigner: 3 } });
  const call = (signer: number, nonce: number, priority: number, size = 0) =>
    fakeExtrinsic({ signer, nonce, priority, value: new Uint8Array(size) });
  for (const nonce of [0, 1, 2]) await engine.submit(call(1, nonce, 5));
  assert.equal(await refusal(() => engine.submit(call(1, 3, 200))), 1016, 'one signer has a limit');
  await engine.submit(call(2, 0, 6));
  assert.equal(await refusal(() => engine.submit(call(3, 0, 5))), 1016, 'no better than the cheapest');
  const last = hashOf(call(1, 2, 5));
  await engine.submit(call(3, 0, 7));
  assert.deepEqual(engine.statusOf(last), { status: 'dropped', reason: 'PoolFull' });
  assert.equal(
    await refusal(() => engine.submit(call(4, 0, 250, 991))),
    undefined,
    'bytes count too: it is worth all others',
  );
  assert.equal(engine.health().poolCount, 1);
  assert.equal(engine.health().poolBytes, 996);
  await store.close();
});

test('what a block refuses leaves the pool with its reason', async () => {
  const { engine, store } = soloScratch();
  const drop = fakeExtrinsic({ signer: 1, nonce: 0, operation: 'drop' });
  const events: ExtrinsicEvent[] = [];
  engine.watch(hashOf(drop), (event) => events.push(event));
  await engine.submit(drop);
  engine.produceBlock();
  assert.deepEqual(events.at(-1), { kind: 'invalid', reason: 'Payment' });
  assert.deepEqual(engine.statusOf(hashOf(drop)), { status: 'dropped', reason: 'Payment' });
  assert.equal(engine.pending().length, 0);
  await store.close();
});

test('transactions that make the runtime throw are found and banned; the others are included', async () => {
  const scratch = soloScratch();
  const { engine, store } = scratch;
  const faults = [3, 11].map((signer) => fakeExtrinsic({ signer, nonce: 0, operation: 'fault' }));
  const good = Array.from({ length: 20 }, (_, i) =>
    fakeExtrinsic({ signer: 50 + i, nonce: 0, key: i, value: utf8.encode('x') }),
  );
  for (const extrinsic of [...good.slice(0, 7), faults[0]!, ...good.slice(7), faults[1]!])
    await engine.submit(extrinsic);
  assert.deepEqual(engine.produceBlock().extrinsics.slice(1), good);
  for (const fault of faults) {
    assert.equal(await refusal(() => engine.submit(fault)), 1012);
    assert.deepEqual(engine.statusOf(hashOf(fault)), { status: 'dropped', reason: 'RuntimeFault' });
  }
  await store.close();
});

test('a fault without a transaction to blame is reported, empties nothing, and production goes on after it', async () => {
  const runtime = fakeRuntime();
  let broken = true;
  const buildBlock: typeof runtime.buildBlock = (state, input) => {
    if (broken) throw new Error('disk on fire');
    return runtime.buildBlock(state, input);
  };
  const { engine, chain, time, store } = soloScratch({ runtime: { ...runtime, buildBlock } });
  await engine.submit(fakeExtrinsic({ signer: 1, nonce: 0 }));
  engine.start();
  time.runWaiting();
  assert.equal(engine.health().lastError, 'disk on fire');
  assert.equal(chain.head.header.number, 0);
  assert.equal(engine.pending().length, 1);
  broken = false;
  time.runWaiting();
  assert.equal(chain.head.header.number, 1);
  assert.equal(engine.health().lastError, undefined);
  assert.equal(engine.pending().length, 0);
  engine.close();
  assert.equal(time.waitingCount, 0);
  await store.close();
});

test('a listener that throws disturbs neither the block nor the other listeners', async () => {
  const { engine, store } = soloScratch();
  const heard: number[] = [];
  engine.onBlock(() => {
    throw new Error('a client went away');
  });
  const stop = engine.onBlock((block) => heard.push(block.header.number));
  engine.produceBlock();
  stop();
  engine.produceBlock();
  assert.deepEqual(heard, [1]);
  await store.close();
});

test('an expired transaction leaves the pool', async () => {
  const { engine, store } = soloScratch();
  const waiting = fakeExtrinsic({ signer: 1, nonce: 1 });
  await engine.submit(waiting);
  for (let i = 0; i < 63; i++) engine.produceBlock();
  assert.deepEqual(engine.statusOf(hashOf(waiting)), { status: 'pool' });
  engine.produceBlock();
  assert.deepEqual(engine.statusOf(hashOf(waiting)), { status: 'dropped', reason: 'Expired' });
  await store.close();
});
