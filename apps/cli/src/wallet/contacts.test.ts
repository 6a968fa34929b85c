/** @file The address book: names mean one address, survive a restart, and are usable where addresses are. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Address, initCrypto, keyPairFromSecret } from '@alice/protocol';
import {
  addContact,
  addressNamed,
  listContacts,
  refuseContactName,
  removeContact,
  walletFolder,
} from './contacts.js';
import { saveWallet } from './walletStore.js';

let dir: string;
let carol: Address;
let dave: Address;
before(async () => {
  await initCrypto();
  dir = mkdtempSync(join(tmpdir(), 'alice-contacts-'));
  [carol, dave] = ['//Carol', '//Dave'].map((secret) => keyPairFromSecret(secret).address) as [
    Address,
    Address,
  ];
});
after(() => rmSync(dir, { recursive: true, force: true }));

test('names are kept, found, listed in order and forgotten', () => {
  assert.deepEqual(listContacts(dir), []);
  addContact(dir, { name: 'dave', address: dave });
  addContact(dir, { name: 'carol', address: carol });
  assert.deepEqual(listContacts(dir), [
    { name: 'carol', address: carol },
    { name: 'dave', address: dave },
  ]);
  assert.equal(addressNamed('carol', dir), carol);
  assert.equal(addressNamed(dave, dir), dave, 'an address names itself');
  assert.throws(() => addContact(dir, { name: 'carol', address: dave }), { code: 'CONTACT_EXISTS' });
  assert.equal(addressNamed('carol', dir), carol, 'not replaced');
  assert.deepEqual(removeContact(dir, 'dave'), { name: 'dave', address: dave });
  assert.throws(() => removeContact(dir, 'dave'), { code: 'CONTACT_NOT_FOUND' });
  assert.throws(() => addressNamed('dave', dir), { code: 'WALLET_NOT_FOUND' });
});

test('a name is a wallet or a contact, never both, and no name leaves the folder', async () => {
  const key = keyPairFromSecret('//Erin');
  await saveWallet({ folder: walletFolder(dir), name: 'mine', key, password: undefined });
  assert.throws(() => addContact(dir, { name: 'mine', address: carol }), { code: 'WALLET_EXISTS' });
  assert.equal(addressNamed('mine', dir), key.address);
  assert.throws(() => refuseContactName(dir, 'carol'), { code: 'CONTACT_EXISTS' });
  refuseContactName(dir, 'nobody');
  assert.throws(() => addContact(dir, { name: '../x', address: carol }), { code: 'OPTION_INVALID' });
});

test('a damaged address book is said to be one, with its place', () => {
  writeFileSync(join(dir, 'contacts.json'), '{"eve": "not an address"}');
  assert.throws(() => listContacts(dir), { code: 'CONTACTS_UNREADABLE' });
});
