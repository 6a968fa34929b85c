/** @file Hashes, addresses and keys against polkadot.js and the protocol package. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { addressOf, initCrypto, storageKeys } from '@alice/protocol';
import { encodeAddress, xxhashAsU8a } from '@polkadot/util-crypto';
import fc from 'fast-check';
import type { PalletDescription } from './metadata.js';
import { accountOfAddress, accountOfAnyAddress, addressOfAccount, isAddress } from './ss58.js';
import { storageKey, twox, u32Key } from './storageKey.js';

before(initCrypto);
const account = fc.uint8Array({ minLength: 32, maxLength: 32 });

test('twox is that of polkadot.js for every length up to four stripes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 130 }), fc.constantFrom(64, 128, 256), (bytes, bits) => {
      assert.deepEqual(twox(bytes, bits / 64), xxhashAsU8a(bytes, bits as 64));
    }),
  );
});

test('addresses are those of the protocol package, there and back', () => {
  fc.assert(
    fc.property(account, (id) => {
      const address = addressOfAccount(id);
      assert.equal(address, addressOf(id));
      assert.deepEqual(accountOfAddress(address), id);
    }),
  );
});

test('a changed letter, another network or rubbish is no address', () => {
  fc.assert(
    fc.property(account, fc.nat(48), fc.constantFrom(...'123abcXYZ'), (id, at, letter) => {
      const address = addressOfAccount(id);
      const changed = address.slice(0, at) + letter + address.slice(at + 1);
      assert.equal(isAddress(changed), changed === address);
    }),
  );
  fc.assert(fc.property(fc.string({ maxLength: 80 }), (text) => assert.equal(isAddress(text), false)));
  assert.equal(isAddress(encodeAddress(new Uint8Array(32), 42)), false);
});

test('addresses of any network give the account', () => {
  fc.assert(
    fc.property(account, fc.constantFrom(0, 2, 42, 63, 64, 300, 2254, 16383), (id, prefix) => {
      assert.deepEqual(accountOfAnyAddress(encodeAddress(id, prefix)), id);
    }),
  );
});

test('storage keys are those of the protocol package', () => {
  const pallet = (prefix: string, item: string, hasher: string): PalletDescription =>
    ({ name: prefix, prefix, storage: new Map([[item, { hashers: [hasher], key: 0, value: 0 }]]) }) as never;
  const id = new Uint8Array(32).fill(7);
  const gradient = pallet('ProofOfGradient', 'Epochs', 'Twox64Concat');
  assert.deepEqual(storageKey(gradient, 'Epochs', u32Key(70_000)), storageKeys.epoch(70_000));
  const system = pallet('System', 'Account', 'Blake2_128Concat');
  assert.deepEqual(storageKey(system, 'Account', id), storageKeys.account(addressOf(id)));
  assert.deepEqual(storageKey(pallet('Balances', 'X', ''), 'TotalIssuance'), storageKeys.totalIssuance());
});
