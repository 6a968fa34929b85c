/** @file Keys and addresses against @polkadot/keyring, known accounts, and input that must never pass. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { Keyring } from '@polkadot/keyring';
import fc from 'fast-check';
import { toHex } from './bytes.js';
import {
  accountIdHex,
  addressOf,
  initCrypto,
  KeyError,
  keyPairFromSecret,
  keyPairFromSeed,
  newMnemonic,
  parseAddress,
  publicKeyOf,
  SS58_PREFIX,
  verifySignature,
} from './keys.js';

before(initCrypto);

const PHRASE = 'bottom drive obey lake curtain smoke basket hold race lonely fit walk';
const refused = (run: () => unknown, code: string, secret?: string): void =>
  assert.throws(
    run,
    (error) =>
      error instanceof KeyError && error.code === code && (!secret || !error.message.includes(secret)),
  );

test('secrets of every form give the key polkadot-js derives', () => {
  const keyring = new Keyring({ type: 'sr25519', ss58Format: SS58_PREFIX });
  const seed = `0x${'5a'.repeat(32)}`;
  for (const secret of [
    PHRASE,
    `${PHRASE}//hard`,
    `${PHRASE}//hard/soft/0`,
    `${PHRASE}///password`,
    `${PHRASE}//a///password`,
    '//Alice',
    '//Alice/x',
    seed,
    `${seed}//miner/1`,
  ]) {
    const theirs = keyring.createFromUri(secret);
    const ours = keyPairFromSecret(secret);
    assert.equal(toHex(ours.publicKey), toHex(theirs.publicKey), secret);
    assert.equal(ours.address, theirs.address, secret);
    const message = Uint8Array.of(1, 2, 3);
    assert.ok(theirs.verify(message, ours.sign(message), theirs.publicKey), secret);
    assert.ok(verifySignature(message, theirs.sign(message), ours.publicKey), secret);
  }
  assert.equal(keyPairFromSeed(new Uint8Array(32).fill(0x5a)).address, keyPairFromSecret(seed).address);
});

test('the development key is the well-known one, at prefix 300', () => {
  const alice = keyPairFromSecret('//Alice');
  assert.equal(
    accountIdHex(alice.address),
    '0xd43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d',
  );
  assert.ok(alice.address.startsWith('a2'));
});

test('addresses go both ways and start with a2', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (publicKey) => {
      const address = addressOf(publicKey);
      assert.ok(address.startsWith('a2'));
      assert.deepEqual(publicKeyOf(address), publicKey);
      assert.equal(parseAddress(address), address);
    }),
  );
});

test('addresses of other networks, with a typing error, or of another length are refused', () => {
  const { publicKey, address } = keyPairFromSecret('//Alice');
  const foreign = new Keyring({ ss58Format: 42 }).encodeAddress(publicKey);
  const generic = new Keyring({ ss58Format: 0 }).encodeAddress(publicKey);
  const short = new Keyring({ ss58Format: SS58_PREFIX }).encodeAddress(publicKey.slice(0, 8));
  const mistyped = `${address.slice(0, 10)}${address[10] === 'x' ? 'y' : 'x'}${address.slice(11)}`;
  for (const text of [
    foreign,
    generic,
    short,
    mistyped,
    '',
    'a2',
    toHex(publicKey),
    ` ${address}`,
    `${address} `,
    address.slice(1),
  ])
    refused(() => publicKeyOf(text), 'ADDRESS_INVALID');
});

test('signatures hold for the message and key they were made for, and nothing else', () => {
  const { publicKey, sign } = keyPairFromSecret('//Alice');
  const other = keyPairFromSecret('//Bob').publicKey;
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(511), (message, bit) => {
      const signature = sign(message);
      assert.ok(verifySignature(message, signature, publicKey));
      assert.ok(!verifySignature(message, signature, other));
      assert.ok(!verifySignature(Uint8Array.of(...message, 0), signature, publicKey));
      signature[bit >> 3]! ^= 1 << (bit & 7);
      assert.ok(!verifySignature(message, signature, publicKey));
    }),
    { numRuns: 30 },
  );
});

test('malformed signatures and keys are false, never an exception; the zero key never signs', () => {
  const { publicKey } = keyPairFromSecret('//Alice');
  const message = Uint8Array.of(1);
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 70 }),
      fc.uint8Array({ minLength: 64, maxLength: 64 }),
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      (odd, signature, key) => {
        assert.equal(verifySignature(message, odd, publicKey), false);
        assert.equal(verifySignature(message, signature, odd), false);
        assert.equal(verifySignature(message, signature, key), false);
      },
    ),
  );
  const zeroSignature = new Uint8Array(64);
  zeroSignature[63] = 0x80; // schnorrkel's marker bit
  assert.equal(verifySignature(message, zeroSignature, new Uint8Array(32)), false);
});

test('wrong secrets are refused and never repeated in the message', () => {
  const twelve = PHRASE.replace('bottom', 'walk');
  refused(() => keyPairFromSecret(twelve), 'MNEMONIC_INVALID', twelve);
  refused(() => keyPairFromSecret('not a phrase at all'), 'MNEMONIC_INVALID', 'not a phrase at all');
  refused(() => keyPairFromSecret(`0x${'5a'.repeat(31)}`), 'MNEMONIC_INVALID', '5a5a');
  refused(() => keyPairFromSecret(''), 'SECRET_INVALID');
  refused(() => keyPairFromSeed(new Uint8Array(31)), 'SECRET_INVALID');
});

test('new phrases have twelve words, differ, and give keys', () => {
  const phrases = new Set(Array.from({ length: 20 }, newMnemonic));
  assert.equal(phrases.size, 20);
  for (const phrase of phrases) {
    assert.equal(phrase.split(' ').length, 12);
    assert.ok(keyPairFromSecret(phrase).address.startsWith('a2'));
  }
});
