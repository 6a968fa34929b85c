/** @file Calls and signed extrinsics against polkadot.js byte for byte (signatures are checked, being randomised). */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { TypeRegistry } from '@polkadot/types';
import fc from 'fast-check';
import { concatBytes, fromHex, toHex } from '../bytes.js';
import { blake2b256 } from '../hash.js';
import { initCrypto, type KeyPair, keyPairFromSecret, verifySignature } from '../keys.js';
import { encodeCall, MAX_EPOCH_SCORES } from './encodeCall.js';
import type { EpochReport } from './epochReport.js';
import { ChainError } from './errors.js';
import { compact } from './scaleWrite.js';
import { signExtrinsicV4, signingPayload } from './signExtrinsic.js';

const registry = new TypeRegistry();
registry.setSignedExtensions([
  'CheckNonZeroSender',
  'CheckSpecVersion',
  'CheckTxVersion',
  'CheckGenesis',
  'CheckMortality',
  'CheckNonce',
  'CheckWeight',
  'ChargeTransactionPayment',
  'CheckMetadataHash',
]);
registry.register({
  Role: { _enum: ['Training', 'Scoring', 'Infrastructure'] },
  ScoreEntry: { account: 'AccountId32', role: 'Role', score: 'u128' },
  SubmitEpoch: {
    epoch: 'u32',
    fromVersion: 'u32',
    toVersion: 'u32',
    stateRoot: 'H256',
    heldOutLoss: 'u64',
    shardsCovered: 'u32',
    receiptsRoot: 'H256',
    scores: 'Vec<ScoreEntry>',
  },
});
const genesisHash = `0x${'9a'.repeat(32)}` as const;

let alice: KeyPair;
let bob: KeyPair;
before(async () => {
  await initCrypto();
  alice = keyPairFromSecret('//Alice');
  bob = keyPairFromSecret('//Bob');
});

const report = (scores: EpochReport['scores']): EpochReport => ({
  epoch: 3,
  fromVersion: 40,
  toVersion: 44,
  stateRoot: `0x${'01'.repeat(32)}`,
  heldOutLossNanoNats: 5_123_456_789n,
  shardsCovered: 12,
  receiptsRoot: `0x${'02'.repeat(32)}`,
  scores,
});

test('transfers are the bytes of pallet_balances', () => {
  const bobId = toHex(bob.publicKey).slice(2);
  assert.equal(
    toHex(encodeCall.transferKeepAlive({ to: bob.address, planck: 10n ** 12n })),
    `0x040300${bobId}070010a5d4e8`,
  );
  assert.equal(toHex(encodeCall.transferAll({ to: bob.address, keepAlive: true })), `0x040400${bobId}01`);
  assert.equal(toHex(encodeCall.transferAll({ to: bob.address, keepAlive: false })), `0x040400${bobId}00`);
});

test('an epoch report is what polkadot.js encodes, its scores sorted by role, then account', () => {
  const scores = [
    { address: alice.address, role: 'scoring', scoreNanoNats: 5n },
    { address: alice.address, role: 'training', scoreNanoNats: 7n },
    { address: bob.address, role: 'training', scoreNanoNats: (1n << 100n) + 1n },
  ] as const;
  const expected = registry.createType('SubmitEpoch', {
    epoch: 3,
    fromVersion: 40,
    toVersion: 44,
    stateRoot: `0x${'01'.repeat(32)}`,
    heldOutLoss: 5_123_456_789n,
    shardsCovered: 12,
    receiptsRoot: `0x${'02'.repeat(32)}`,
    scores: [
      // 0x8e… (Bob) comes before 0xd4… (Alice)
      { account: bob.publicKey, role: 'Training', score: (1n << 100n) + 1n },
      { account: alice.publicKey, role: 'Training', score: 7n },
      { account: alice.publicKey, role: 'Scoring', score: 5n },
    ],
  });
  assert.deepEqual(
    encodeCall.submitEpoch(report(scores)),
    concatBytes(Uint8Array.of(10, 0), expected.toU8a()),
  );
});

test('duplicate scores, too many of them and numbers that do not fit are refused before signing', () => {
  const entry = { address: alice.address, role: 'training', scoreNanoNats: 1n } as const;
  const refused = (change: Partial<EpochReport>): void =>
    assert.throws(
      () => encodeCall.submitEpoch({ ...report([]), ...change }),
      (error) => error instanceof ChainError && error.code === 'CALL_INVALID',
    );
  refused({ scores: [entry, entry] });
  refused({ scores: new Array(MAX_EPOCH_SCORES + 1).fill(entry) });
  refused({ scores: [{ ...entry, scoreNanoNats: -1n }] });
  refused({ heldOutLossNanoNats: 1n << 64n });
  refused({ stateRoot: '0x00' });
});

test('the signed payload is the one polkadot.js signs', () => {
  fc.assert(
    fc.property(
      fc.nat(),
      fc.nat(),
      fc.nat(),
      fc.bigInt({ min: 0n, max: 1n << 100n }),
      fc.uint8Array({ minLength: 2, maxLength: 400 }),
      (nonce, specVersion, transactionVersion, tip, call) => {
        const payload = registry.createType(
          'ExtrinsicPayload',
          {
            method: toHex(call),
            era: '0x00',
            nonce,
            tip,
            specVersion,
            transactionVersion,
            genesisHash,
            blockHash: genesisHash,
            mode: 0,
            metadataHash: null,
          },
          { version: 4 },
        );
        assert.equal(
          toHex(signingPayload(call, { nonce, specVersion, transactionVersion, tip, genesisHash })),
          toHex(payload.toU8a({ method: true })),
        );
      },
    ),
    { numRuns: 100 },
  );
});

test('the extrinsic carries length, version, signer, a valid signature, extra and call', () => {
  for (const call of [
    encodeCall.transferKeepAlive({ to: bob.address, planck: 5n }),
    new Uint8Array(300).fill(1),
  ]) {
    const context = { nonce: 70, specVersion: 1, transactionVersion: 2, genesisHash, tip: 1_000_000n };
    const bytes = signExtrinsicV4({ call, keyPair: alice, ...context });
    const head = concatBytes(Uint8Array.of(0x84, 0), alice.publicKey, Uint8Array.of(1));
    const tail = concatBytes(fromHex('0x00' + '1901' + '02093d00' + '00'), call);
    const prefix = compact(head.length + 64 + tail.length);
    const signature = bytes.subarray(prefix.length + head.length, prefix.length + head.length + 64);
    assert.deepEqual(bytes, concatBytes(prefix, head, signature, tail));
    const payload = signingPayload(call, context);
    assert.ok(
      verifySignature(payload.length > 256 ? blake2b256(payload) : payload, signature, alice.publicKey),
    );
  }
});
