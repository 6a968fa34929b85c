/** @file Checks that four validators stay one chain behind CometBFT's calls, through crashes and bad proposals. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import {
  encodeCall,
  fromHex,
  initCrypto,
  type KeyPair,
  keyPairFromSecret,
  PLANCK_PER_ALICE,
  signExtrinsicV4,
} from '@alice/protocol';
import fc from 'fast-check';
import { FrameReader, framed } from '../abci/frames.js';
import { CometDriver, Validator } from '../testing/CometDriver.js';
import { initHasher } from '../trie/blake2.js';

before(async () => {
  await Promise.all([initCrypto(), initHasher()]);
});

function transfer(driver: CometDriver, from: KeyPair, nonce: number, planck = PLANCK_PER_ALICE): Uint8Array {
  const { chain } = driver.validators[0]!.engine;
  const call = encodeCall.transferKeepAlive({ to: keyPairFromSecret('//Dave').address, planck });
  const genesisHash = chain.genesisHash;
  return signExtrinsicV4({
    call,
    keyPair: from,
    nonce,
    genesisHash,
    specVersion: Number(driver.validators[0]!.runtime.versionJson['specVersion']),
    transactionVersion: 1,
  });
}
const included = ({ engine }: Validator): number => engine.chain.head.extrinsics.length - 1;

test('four validators agree on every block, and the header tells CometBFT’s', async () => {
  const driver = await CometDriver.start();
  const [first] = driver.validators as [Validator];
  const [alice, bob] = [keyPairFromSecret('//Alice'), keyPairFromSecret('//Bob')];
  const txs = [transfer(driver, alice, 0), transfer(driver, bob, 0), transfer(driver, alice, 1)];
  for (const tx of txs) assert.deepEqual(await driver.checkEverywhere(tx), [0, 0, 0, 0]);
  const appHash = await driver.decide();
  assert.equal(included(first), 3);
  const { header, timestampMs, hash } = first.engine.chain.head;
  assert.equal(hash, appHash);
  assert.equal(header.number, 1);
  assert.equal(timestampMs, 1_700_000_101_123n, 'milliseconds of CometBFT’s time');
  assert.deepEqual(header.digest, [`0x05434d425480${'01'.repeat(32)}`]);
  for (const { engine } of driver.validators) assert.equal(engine.pending().length, 0);
  for (let i = 0; i < 4; i++) await driver.decide();
  assert.equal(driver.height, 5);
  await driver.close();
});

test('a forged signature passes neither CheckTx nor a vote; an invalid one in a decided block is left out by all', async () => {
  const driver = await CometDriver.start();
  const alice = keyPairFromSecret('//Alice');
  const good = transfer(driver, alice, 0);
  const forged = good.slice();
  forged[60]! ^= 1;
  assert.deepEqual(await driver.checkEverywhere(forged), [1010, 1010, 1010, 1010]);
  await assert.rejects(driver.decide({ txs: [good, forged] }), /refused by 4/);
  await assert.rejects(driver.decide({ txs: [good, good] }), /refused by 4/);
  // As if more than two thirds had voted for it: still one state everywhere.
  const time = { seconds: 1_700_000_200n, nanos: 0 };
  const block = { height: 1n, time, txs: [forged, good, good], hash: new Uint8Array(32) };
  await driver.apply(driver.validators, block);
  assert.equal(included(driver.validators[0]!), 1);
  await driver.close();
});

test('a crash between FinalizeBlock and Commit loses nothing: the block is executed again to the same hash', async () => {
  const driver = await CometDriver.start();
  const victim = driver.validators[3]!;
  const alice = keyPairFromSecret('//Alice');
  await driver.checkEverywhere(transfer(driver, alice, 0));
  await driver.decide();
  const before = victim.headHash;
  await driver.checkEverywhere(transfer(driver, alice, 1));
  await driver.decide({ except: victim });
  const block = driver.decided.at(-1)!;
  await victim.consensus.ask('finalizeBlock', block);
  await victim.crash();
  await victim.start();
  const info = await victim.consensus.ask('info', {});
  assert.equal(info.lastBlockHeight, 1n);
  assert.deepEqual(new Uint8Array(info.lastBlockAppHash), fromHex(before));
  await driver.apply([victim], block);
  assert.equal(victim.headHash, driver.validators[0]!.headHash);
  await driver.decide();
  await driver.close();
});

test('a validator from nothing replays all blocks to the same state', async () => {
  const driver = await CometDriver.start();
  const alice = keyPairFromSecret('//Alice');
  for (let nonce = 0; nonce < 6; nonce++) {
    await driver.checkEverywhere(transfer(driver, alice, nonce));
    await driver.decide();
  }
  const late = await new Validator().start();
  for (const block of driver.decided) await driver.apply([late], block);
  assert.equal(late.headHash, driver.validators[0]!.headHash);
  await late.crash();
  await driver.close();
});

test('a wrong genesis or height is fatal, never answered with a state', async () => {
  const driver = await CometDriver.start(1);
  const [only] = driver.validators as [Validator];
  await assert.rejects(
    only.consensus.ask('initChain', { chainId: 'other', initialHeight: 1n }),
    /made for this chain/,
  );
  assert.match(String(only.fatal), /COMET_GENESIS|genesis/);
  await only.crash();
  await only.start();
  const time = { seconds: 1_700_000_200n, nanos: 0 };
  await assert.rejects(only.consensus.ask('finalizeBlock', { height: 7n, time, txs: [] }), /height 7/);
  await driver.close();
});

test('frames survive any cut, and nonsense is refused', () => {
  const cuts = fc.array(fc.nat(40), { maxLength: 30 });
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 300 })), cuts, (messages, at) => {
      const stream = Buffer.concat(messages.map(framed));
      const reader = new FrameReader();
      const got: Uint8Array[] = [];
      let from = 0;
      for (const size of [...at, stream.length]) {
        got.push(...reader.push(stream.subarray(from, from + size)));
        from += size;
      }
      assert.deepEqual(
        got.map((frame) => [...frame]),
        messages.map((message) => [...message]),
      );
    }),
  );
  assert.throws(() => new FrameReader().push(new Uint8Array(9).fill(0xff)), RangeError);
});
