/** @file Checks state sync through ABCI: a new validator takes the state from others, whatever liars send it first. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { fromHex, initCrypto } from '@alice/protocol';
import { Snapshot } from 'cosmjs-types/tendermint/abci/types';
import { CometDriver, Validator } from '../testing/CometDriver.js';
import { initHasher } from '../trie/blake2.js';

before(async () => {
  await Promise.all([initCrypto(), initHasher()]);
});

/** Decides empty blocks until a snapshot can be had; all validators take equal ones. */
async function networkWithSnapshot(snapshotEvery = 3) {
  const driver = await CometDriver.start(2, { snapshotEvery });
  const { consensus } = driver.validators[0]!;
  for (;;) {
    await driver.decide();
    const { snapshots } = await consensus.ask('listSnapshots', {});
    if (snapshots[0]) return { driver, snapshot: snapshots[0] };
  }
}

const OFFER = { accept: 1, reject: 3, rejectFormat: 4 };
const APPLY = { accept: 1, retry: 3, rejectSnapshot: 5 };

test('a new validator takes over a snapshot, then goes on with the blocks after it', async () => {
  const { driver, snapshot } = await networkWithSnapshot();
  const appHash = fromHex(driver.hashes[Number(snapshot.height) - 1]! as `0x${string}`);
  const late = await new Validator().start();
  const { consensus } = late;
  const source = driver.validators[1]!.consensus;
  const chunkOf = async (index: number) =>
    (
      await source.ask('loadSnapshotChunk', {
        height: snapshot.height,
        format: snapshot.format,
        chunk: index,
      })
    ).chunk;

  const wrongHash = appHash.map((byte) => byte ^ 1);
  assert.equal((await consensus.ask('offerSnapshot', { snapshot, appHash: wrongHash })).result, OFFER.reject);
  const strange = Snapshot.fromPartial({ ...snapshot, format: 9 });
  assert.equal(
    (await consensus.ask('offerSnapshot', { snapshot: strange, appHash })).result,
    OFFER.rejectFormat,
  );
  const nonsense = Snapshot.fromPartial({ ...snapshot, metadata: new Uint8Array(100) });
  assert.equal((await consensus.ask('offerSnapshot', { snapshot: nonsense, appHash })).result, OFFER.reject);
  const chunk = await chunkOf(0);
  assert.equal((await consensus.ask('applySnapshotChunk', { index: 0, chunk })).result, APPLY.rejectSnapshot);

  assert.equal((await consensus.ask('offerSnapshot', { snapshot, appHash })).result, OFFER.accept);
  assert.equal((await consensus.ask('applySnapshotChunk', { index: 0, chunk })).result, APPLY.accept);
  // A second offer forgets the first: all chunks are wanted again.
  assert.equal((await consensus.ask('offerSnapshot', { snapshot, appHash })).result, OFFER.accept);
  const bad = await consensus.ask('applySnapshotChunk', {
    index: 1,
    chunk: Uint8Array.of(1),
    sender: 'liar',
  });
  assert.deepEqual([bad.result, bad.refetchChunks, bad.rejectSenders], [APPLY.retry, [1], ['liar']]);
  for (let index = 0; index < snapshot.chunks; index++) {
    assert.equal(late.engine.chain.head.header.number, 0, 'nothing is written before all is there');
    const answer = await consensus.ask('applySnapshotChunk', { index, chunk: await chunkOf(index) });
    assert.equal(answer.result, APPLY.accept);
  }
  const info = await consensus.ask('info', {});
  assert.equal(info.lastBlockHeight, snapshot.height);
  assert.deepEqual(new Uint8Array(info.lastBlockAppHash), appHash);
  for (const block of driver.decided.slice(Number(snapshot.height))) await driver.apply([late], block);
  assert.equal(late.headHash, driver.validators[0]!.headHash);
  assert.deepEqual(
    [...late.engine.chain.entries()],
    [...driver.validators[0]!.engine.chain.entries()],
    'the same state, entry by entry',
  );
  assert.equal(
    (await consensus.ask('offerSnapshot', { snapshot, appHash })).result,
    OFFER.reject,
    'not new any more',
  );
  await late.crash();
  await late.start();
  assert.equal(late.headHash, driver.validators[0]!.headHash, 'it is on disk');
  await late.crash();
  await driver.close();
});

test('all validators take the same snapshot, and those of the last hundred blocks are kept', async () => {
  const { driver } = await networkWithSnapshot(50);
  const snapshotLists = () =>
    Promise.all(
      driver.validators.map(async ({ consensus }) => (await consensus.ask('listSnapshots', {})).snapshots),
    );
  const areNew = (lists: Awaited<ReturnType<typeof snapshotLists>>) =>
    lists.every((list) => list.length === 2 && list.every(({ height }) => height > 50n));
  // How many blocks that takes depends on the disk: a node still writing one skips the next.
  let lists = await snapshotLists();
  while (driver.hashes.length < 1000 && (driver.hashes.length < 210 || !areNew(lists))) {
    await driver.decide();
    lists = await snapshotLists();
  }
  assert.ok(areNew(lists), 'the first is gone, two are kept');
  const [ours, theirs] = lists.map((list) => list.map(({ height, hash }) => [height, [...hash]])) as [
    unknown[],
    unknown[],
  ];
  const common = ours.filter((mine) =>
    theirs.some((other) => JSON.stringify(other, big) === JSON.stringify(mine, big)),
  );
  assert.ok(common.length > 0, 'equal states, equal manifests');
  await driver.close();
});

const big = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? String(value) : value);
