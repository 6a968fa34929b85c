/** @file Key files both ways with @polkadot/keyring, and every refusal. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { Keyring } from '@polkadot/keyring';
import type { KeyringPair$Json } from '@polkadot/keyring/types';
import fc from 'fast-check';
import { toHex, utf8 } from '../bytes.js';
import { initCrypto, type KeyPair, keyPairFromSecret, SS58_PREFIX, verifySignature } from '../keys.js';
import { KeystoreError, type KeystoreErrorInfo } from './errors.js';
import { decryptKeystore, encryptKeystore, type KeystoreJson } from './keystore.js';

const message = utf8.encode('a message');
let key: KeyPair;
let locked: KeystoreJson;
let open: KeystoreJson;
before(async () => {
  await initCrypto();
  key = keyPairFromSecret('//Alice//keystore');
  locked = encryptKeystore(key, 'right', { name: 'test', whenCreated: 1 });
  open = encryptKeystore('//Alice//keystore', undefined);
});

function infoOf(run: () => unknown): KeystoreErrorInfo | 'ok' {
  try {
    run();
    return 'ok';
  } catch (error) {
    if (error instanceof KeystoreError) return error.info;
    throw error;
  }
}

test('polkadot-js opens what we write, encrypted and open', () => {
  for (const [json, password] of [
    [locked, 'right'],
    [open, undefined],
  ] as const) {
    const keyring = new Keyring({ type: 'sr25519', ss58Format: SS58_PREFIX });
    const pair = keyring.addFromJson(JSON.parse(JSON.stringify(json)) as KeyringPair$Json);
    assert.equal(pair.address, key.address);
    assert.deepEqual({ ...pair.meta }, { ...json.meta });
    if (password) assert.throws(() => pair.unlock('wrong'));
    pair.unlock(password);
    assert.ok(verifySignature(message, pair.sign(message), key.publicKey));
  }
  assert.deepEqual(locked.encoding, {
    content: ['pkcs8', 'sr25519'],
    type: ['scrypt', 'xsalsa20-poly1305'],
    version: '3',
  });
  assert.deepEqual(open.encoding.type, ['none']);
});

test('we open what polkadot-js writes, whatever prefix its address has', () => {
  const pair = new Keyring({ type: 'sr25519', ss58Format: 42 }).addFromUri('//Alice//keystore');
  for (const password of ['pässwörd', undefined]) {
    const json = pair.toJson(password);
    const opened = decryptKeystore(JSON.stringify(json), password);
    assert.equal(opened.address, key.address);
    assert.equal(toHex(opened.secretKey), toHex(key.secretKey));
    assert.ok(verifySignature(message, opened.sign(message), key.publicKey));
  }
});

test('wrong, missing and empty passwords', () => {
  assert.deepEqual(
    infoOf(() => decryptKeystore(locked, 'wrong')),
    { code: 'KEYSTORE_PASSWORD', given: true },
  );
  assert.deepEqual(
    infoOf(() => decryptKeystore(locked)),
    { code: 'KEYSTORE_PASSWORD', given: false },
  );
  assert.deepEqual(
    infoOf(() => decryptKeystore(locked, '')),
    { code: 'KEYSTORE_PASSWORD', given: false },
  );
  assert.deepEqual(
    infoOf(() => encryptKeystore(key, '')),
    { code: 'KEYSTORE_PASSWORD', given: false },
  );
});

test('other key types, versions and damage are refused without asking for work', () => {
  const encoding = (change: object): KeystoreErrorInfo | 'ok' =>
    infoOf(() => decryptKeystore({ ...locked, encoding: { ...locked.encoding, ...change } }, 'right'));
  assert.deepEqual(encoding({ version: '2' }), {
    code: 'KEYSTORE_UNSUPPORTED',
    field: 'version',
    value: '2',
  });
  assert.deepEqual(encoding({ content: ['pkcs8', 'ed25519'] }), {
    code: 'KEYSTORE_UNSUPPORTED',
    field: 'content',
    value: 'pkcs8,ed25519',
  });
  assert.deepEqual(encoding({ type: ['xsalsa20-poly1305'] }), {
    code: 'KEYSTORE_UNSUPPORTED',
    field: 'type',
    value: 'xsalsa20-poly1305',
  });
  const field = (json: unknown): string => {
    const info = infoOf(() => decryptKeystore(json, 'right'));
    return info !== 'ok' && info.code === 'KEYSTORE_FORMAT' ? info.field : JSON.stringify(info);
  };
  assert.equal(field('{'), 'JSON');
  assert.equal(field(7), 'JSON');
  assert.equal(field({}), 'encoding');
  assert.equal(field({ ...locked, encoded: 7 }), 'encoded');
  assert.equal(field({ ...locked, encoded: '!!' }), 'encoded');
  assert.equal(field({ ...locked, encoded: 'AAAA' }), 'encoded');
  const costly = Buffer.from(locked.encoded, 'base64');
  costly.writeUInt32LE(2 ** 30, 32);
  assert.equal(
    field({ ...locked, encoded: costly.toString('base64') }),
    'encoded',
    'scrypt cost outside the list',
  );
});

test('an open file whose keys do not belong together, or any damaged one, is refused', () => {
  const bytes = Buffer.from(open.encoded, 'base64');
  const withBytes = (changed: Uint8Array): KeystoreJson => ({
    ...open,
    encoded: Buffer.from(changed).toString('base64'),
  });
  assert.equal(decryptKeystore(withBytes(bytes)).address, key.address);
  const other = Uint8Array.from(bytes);
  other.set(keyPairFromSecret('//Bob').publicKey, other.length - 32);
  assert.deepEqual(
    infoOf(() => decryptKeystore(withBytes(other))),
    { code: 'KEYSTORE_FORMAT', field: 'encoded' },
  );
  assert.deepEqual(
    decryptKeystore({ ...open, encoded: toHex(bytes) }).secretKey,
    key.secretKey,
    'hex is read as well',
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 130 }), fc.nat(bytes.length - 1), (junk, length) => {
      assert.notEqual(
        infoOf(() => decryptKeystore(withBytes(junk))),
        'ok',
      );
      assert.notEqual(
        infoOf(() => decryptKeystore(withBytes(bytes.subarray(0, length)))),
        'ok',
      );
    }),
    { numRuns: 100 },
  );
});
