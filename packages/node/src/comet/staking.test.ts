/** @file Checks that what CometBFT finds out about validators costs them their stake and seat, equally on every node. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { initCrypto, keyPairFromSecret, PLANCK_PER_ALICE, toHex } from '@alice/protocol';
import { activeValidators, consensusAddress } from '@alice/runtime';
import { Misbehavior, VoteInfo } from 'cosmjs-types/tendermint/abci/types';
import { type ChainSpec, parseChainSpec } from '../chainSpec.js';
import { CometDriver, type Validator } from '../testing/CometDriver.js';
import { STAKE, stakedSpec } from '../testing/stakedSpec.js';
import { initHasher } from '../trie/blake2.js';
import { cometChainId } from './cometChainId.js';

before(async () => {
  await Promise.all([initCrypto(), initHasher()]);
});

const keyOf = (i: number): Uint8Array => new Uint8Array(32).fill(i + 1);
const addressOf = (i: number): Uint8Array => consensusAddress(keyOf(i));

const spec = (): ChainSpec => stakedSpec([0, 1, 2, 3].map((i) => toHex(keyOf(i))));

/** Blake2_128Concat map entry of `System.Account`: four u32, then free and reserved as u128. */
function balanceOf({ engine }: Validator, name: string): { free: bigint; reserved: bigint } {
  const { publicKey } = keyPairFromSecret(name);
  const [, value] = [...engine.chain.entries()].find(([key]) => isAccount(key, publicKey))!;
  const view = new DataView(value.buffer, value.byteOffset);
  const u128 = (at: number): bigint => view.getBigUint64(at, true) | (view.getBigUint64(at + 8, true) << 64n);
  return { free: u128(16), reserved: u128(32) };
}
const SYSTEM_ACCOUNT = '26aa394eea5630e07c48ae0c9558cef7b99d880ec681799c0cf30e8886371da9';
const isAccount = (key: Uint8Array, account: Uint8Array): boolean => {
  const hex = Buffer.from(key).toString('hex');
  return hex.startsWith(SYSTEM_ACCOUNT) && hex.endsWith(Buffer.from(account).toString('hex'));
};

const vote = (i: number, blockIdFlag: number): VoteInfo =>
  VoteInfo.fromPartial({ validator: { address: addressOf(i), power: 2000n }, blockIdFlag });

test('a validator that signs twice loses stake and seat on every node, once', async () => {
  const driver = await CometDriver.start(4, { spec: spec() });
  const [first] = driver.validators as [Validator];
  assert.equal(activeValidators(first.engine.chain.headState).length, 4);
  await driver.decide();
  assert.equal(balanceOf(first, '//V3').reserved, STAKE);
  const evidence = Misbehavior.fromPartial({
    type: 1,
    validator: { address: addressOf(3), power: 2000n },
    height: 1n,
    totalVotingPower: 8000n,
  });
  await driver.decide({ misbehavior: [evidence], proposerAddress: addressOf(0) });
  assert.deepEqual(driver.lastUpdates, [[toHex(keyOf(3)), '0']]);
  await driver.decide();
  const { reserved } = balanceOf(first, '//V3');
  assert.ok(reserved < STAKE, 'slashed');
  assert.ok(
    balanceOf(first, '//V0').free > PLANCK_PER_ALICE,
    'the proposer that brought the evidence gets its share',
  );
  assert.equal(activeValidators(first.engine.chain.headState).length, 3);
  await driver.decide({ misbehavior: [evidence] });
  await driver.decide();
  assert.equal(balanceOf(first, '//V3').reserved, reserved, 'the same evidence again changes nothing');
  assert.deepEqual(
    first.runtime.tryState([...first.engine.chain.entries()].map(([k, v]) => [toHex(k), v])),
    [],
  );
  await driver.close();
});

test('a validator that is away for most of a session pays for it; one that misses a vote does not', async () => {
  const driver = await CometDriver.start(2, { spec: spec() });
  const [first] = driver.validators as [Validator];
  for (let height = 1; height <= 12; height++) {
    const votes =
      height === 1 ? [] : [0, 1, 2, 3].map((i) => vote(i, i === 2 || (i === 1 && height === 4) ? 1 : 2));
    await driver.decide({ votes });
  }
  assert.ok(balanceOf(first, '//V2').reserved < STAKE);
  for (const name of ['//V0', '//V1', '//V3']) assert.equal(balanceOf(first, name).reserved, STAKE, name);
  await driver.close();
});

test('CometBFT is told the validators of the genesis, with their stake as voting power', async () => {
  const driver = await CometDriver.start(1, { spec: spec() });
  const [only] = driver.validators as [Validator];
  const chainId = cometChainId(parseChainSpec(spec()));
  const { validators } = await only.consensus.ask('initChain', { chainId, initialHeight: 1n });
  const told = validators.map(({ pubKey, power }) => [toHex(pubKey!.ed25519!), power]);
  assert.deepEqual(
    new Map(told as [string, bigint][]),
    new Map([0, 1, 2, 3].map((i) => [toHex(keyOf(i)), 2000n])),
  );
  await driver.close();
});
