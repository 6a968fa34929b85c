/** @file Storage keys and values against polkadot.js, and the decoders against arbitrary bytes. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { TypeRegistry } from '@polkadot/types';
import { blake2AsU8a, xxhashAsU8a } from '@polkadot/util-crypto';
import fc from 'fast-check';
import { concatBytes, toHex, utf8 } from '../bytes.js';
import { initCrypto, keyPairFromSecret, publicKeyOf } from '../keys.js';
import { decodeEpochArchive } from './epochArchive.js';
import { ChainError } from './errors.js';
import { decodeOpenEpoch } from './openEpoch.js';
import { u32 } from './scaleWrite.js';
import { blake2_128Concat, storageKeys, twox64Concat, twox128 } from './storageKeys.js';
import {
  decodeAccount,
  decodeContribution,
  decodeCurrentEpoch,
  decodeEpochInfo,
  decodeEpochPages,
  decodePayouts,
  decodeTotalIssuance,
} from './storageValues.js';

before(initCrypto);

const registry = new TypeRegistry();
registry.register({
  ChainAccountData: { free: 'u128', reserved: 'u128', frozen: 'u128', flags: 'u128' },
  ChainAccount: {
    nonce: 'u32',
    consumers: 'u32',
    providers: 'u32',
    sufficients: 'u32',
    data: 'ChainAccountData',
  },
  EpochInfo: {
    index: 'u32',
    startedAt: 'u64',
    endedAt: 'u64',
    fromVersion: 'u32',
    toVersion: 'u32',
    stateRoot: 'H256',
    heldOutLoss: 'u64',
    shardsCovered: 'u32',
    receiptsRoot: 'H256',
    minted: 'u128',
  },
  Role: { _enum: ['Training', 'Scoring', 'Infrastructure'] },
  Payout: { account: 'AccountId32', role: 'Role', score: 'u128', amount: 'u128' },
  Contribution: {
    cumulativeScore: 'u128',
    firstEpoch: 'u32',
    lastEpoch: 'u32',
    epochs: 'u32',
    totalPaid: 'u128',
  },
});
const theirs = (type: string, value: unknown): Uint8Array => registry.createType(type, value).toU8a();

test('hashers are those of util-crypto', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      assert.deepEqual(twox128(bytes), xxhashAsU8a(bytes, 128));
      assert.deepEqual(twox64Concat(bytes), concatBytes(xxhashAsU8a(bytes, 64), bytes));
      assert.deepEqual(blake2_128Concat(bytes), concatBytes(blake2AsU8a(bytes, 128), bytes));
    }),
  );
});

test('keys are the well-known ones', () => {
  const { address } = keyPairFromSecret('//Alice');
  const alice =
    'de1e86a9a8c739864cf3cc5ec2bea59fd43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d';
  assert.equal(
    toHex(storageKeys.account(address)),
    `0x26aa394eea5630e07c48ae0c9558cef7b99d880ec681799c0cf30e8886371da9${alice}`,
  );
  assert.equal(
    toHex(storageKeys.totalIssuance()),
    '0xc2261276cc9d1f8598ea4b6a74b15c2f57c875e4cff74148e4628f264b974c80',
  );
  const pallet = xxhashAsU8a(utf8.encode('ProofOfGradient'), 128);
  const item = (name: string): Uint8Array => concatBytes(pallet, xxhashAsU8a(utf8.encode(name), 128));
  const seven = concatBytes(xxhashAsU8a(u32(7), 64), u32(7));
  assert.deepEqual(storageKeys.currentEpoch(), item('CurrentEpoch'));
  assert.deepEqual(storageKeys.epoch(7), concatBytes(item('Epochs'), seven));
  assert.deepEqual(storageKeys.payouts(7), concatBytes(item('Payouts'), seven));
  const account = publicKeyOf(address);
  assert.deepEqual(
    storageKeys.contribution(address),
    concatBytes(item('Contributions'), blake2AsU8a(account, 128), account),
  );
});

test('values polkadot.js encodes come out as they went in', () => {
  const { address, publicKey } = keyPairFromSecret('//Bob');
  const u = (bits: bigint, salt: bigint): bigint => (1n << bits) - salt;
  assert.deepEqual(
    decodeAccount(
      theirs('ChainAccount', {
        nonce: 9,
        consumers: 1,
        providers: 2,
        sufficients: 3,
        data: { free: u(100n, 1n), reserved: 7, frozen: u(64n, 3n), flags: u(127n, 0n) },
      }),
    ),
    { nonce: 9, freePlanck: u(100n, 1n), reservedPlanck: 7n, frozenPlanck: u(64n, 3n) },
  );
  assert.equal(decodeTotalIssuance(theirs('u128', u(128n, 1n))), u(128n, 1n));
  assert.equal(decodeCurrentEpoch(theirs('u32', 4_000_000_000)), 4_000_000_000);
  const epoch = {
    index: 5,
    startedAt: 1_790_000_000_000,
    endedAt: 1_790_000_060_000,
    fromVersion: 10,
    toVersion: 20,
    stateRoot: `0x${'ab'.repeat(32)}`,
    heldOutLoss: u(63n, 5n),
    shardsCovered: 77,
    receiptsRoot: `0x${'cd'.repeat(32)}`,
    minted: u(90n, 2n),
  };
  assert.deepEqual(decodeEpochInfo(theirs('EpochInfo', epoch)), {
    index: 5,
    startedAtMs: epoch.startedAt,
    endedAtMs: epoch.endedAt,
    fromVersion: 10,
    toVersion: 20,
    stateRoot: epoch.stateRoot,
    heldOutLossNanoNats: epoch.heldOutLoss,
    shardsCovered: 77,
    receiptsRoot: epoch.receiptsRoot,
    mintedPlanck: epoch.minted,
  });
  const payouts = [
    { account: publicKey, role: 'Training', score: u(80n, 9n), amount: 1n },
    { account: publicKey, role: 'Infrastructure', score: 0n, amount: u(100n, 4n) },
  ];
  assert.deepEqual(decodePayouts(theirs('Vec<Payout>', payouts)), [
    { address, role: 'training', scoreNanoNats: u(80n, 9n), amountPlanck: 1n },
    { address, role: 'infrastructure', scoreNanoNats: 0n, amountPlanck: u(100n, 4n) },
  ]);
  assert.deepEqual(
    decodeContribution(
      theirs('Contribution', {
        cumulativeScore: u(99n, 1n),
        firstEpoch: 1,
        lastEpoch: 8,
        epochs: 6,
        totalPaid: 12n,
      }),
    ),
    { cumulativeScoreNanoNats: u(99n, 1n), firstEpoch: 1, lastEpoch: 8, epochs: 6, totalPaidPlanck: 12n },
  );
});

test('any bytes give a value or SCALE_INVALID', () => {
  const decoders = [
    decodeAccount,
    decodeTotalIssuance,
    decodeCurrentEpoch,
    decodeEpochInfo,
    decodePayouts,
    decodeContribution,
    decodeEpochArchive,
    decodeEpochPages,
    decodeOpenEpoch,
  ];
  const attempt = (decode: (bytes: Uint8Array) => unknown, bytes: Uint8Array): string => {
    try {
      decode(bytes);
      return 'ok';
    } catch (error) {
      if (error instanceof ChainError) return error.code;
      throw error;
    }
  };
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 160 }), (bytes) => {
      for (const decode of decoders) assert.ok(['ok', 'SCALE_INVALID'].includes(attempt(decode, bytes)));
    }),
    { numRuns: 500 },
  );
  const payouts = theirs('Vec<Payout>', [
    { account: new Uint8Array(32).fill(1), role: 'Scoring', score: 1n, amount: 1n },
  ]);
  for (let length = 0; length < payouts.length; length++)
    assert.equal(attempt(decodePayouts, payouts.subarray(0, length)), 'SCALE_INVALID', `cut at ${length}`);
  assert.equal(attempt(decodePayouts, Uint8Array.of(...payouts, 0)), 'SCALE_INVALID');
  const badRole = payouts.slice();
  badRole[33] = 3;
  assert.equal(attempt(decodePayouts, badRole), 'SCALE_INVALID');
  const badTime = theirs('EpochInfo', { startedAt: (1n << 64n) - 1n });
  assert.equal(attempt(decodeEpochInfo, badTime), 'SCALE_INVALID');
});
