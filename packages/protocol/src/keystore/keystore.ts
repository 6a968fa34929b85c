/**
 * @file Key files in the polkadot-js form (JSON version 3: PKCS#8, encrypted by scrypt and xsalsa20-poly1305 or in the
 * open), so that wallets and this program read each other's. Only sr25519 keys (REG-1). Call `await initCrypto()` once.
 * Source: polkadot-js `@polkadot/keyring` pair/encode. Scrypt costs are limited to polkadot-js's own list.
 */
import { base64Decode, jsonEncrypt, naclDecrypt, scryptEncode, scryptFromU8a } from '@polkadot/util-crypto';
import { concatBytes, equalBytes, fromHex, utf8 } from '../bytes.js';
import { type KeyPair, keyPairFromSecret, keyPairOf, verifySignature } from '../keys.js';
import { KeystoreError } from './errors.js';

/** What precedes the secret key in PKCS#8, and what divides it from the public key, as polkadot-js writes them. */
const PKCS8_HEAD = fromHex('0x3053020101300506032b657004220420');
const PKCS8_DIVIDER = fromHex('0xa123032100');
const SECRET_BYTES = 64;
const PUBLIC_BYTES = 32;
const CONTENT = ['pkcs8', 'sr25519'];
const ENCRYPTED = 'scrypt,xsalsa20-poly1305';
const OPEN = 'none';
/** Salt and three costs, nonce, authenticator. */
const SCRYPT_BYTES = 44;
const NONCE_BYTES = 24;

/** What wallets show beside the address; anything else JSON can hold is kept as it is. */
export interface KeystoreMeta {
  readonly name?: string;
  readonly whenCreated?: number;
  readonly [key: string]: unknown;
}

export interface KeystoreJson {
  readonly address: string;
  /** Base64. */
  readonly encoded: string;
  readonly encoding: {
    readonly content: string[];
    readonly type: string | string[];
    readonly version: string;
  };
  readonly meta: KeystoreMeta;
}

/**
 * A key file for a key or a secret (`keyPairFromSecret`). Without a password the key lies in the file in the open.
 * Throws `KEYSTORE_PASSWORD` for an empty password, `SECRET_INVALID`, `MNEMONIC_INVALID`.
 * Cost: about half a second and 128 MiB for the password.
 */
export function encryptKeystore(
  key: KeyPair | string,
  password: string | undefined,
  meta: KeystoreMeta = {},
): KeystoreJson {
  if (password === '')
    throw new KeystoreError(
      { code: 'KEYSTORE_PASSWORD', given: false },
      'an empty password would leave the key readable: choose one, or ask for a file without encryption on purpose',
    );
  const { publicKey, secretKey, address } = typeof key === 'string' ? keyPairFromSecret(key) : key;
  const pkcs8 = concatBytes(PKCS8_HEAD, secretKey, PKCS8_DIVIDER, publicKey);
  return { ...jsonEncrypt(pkcs8, [...CONTENT], password), address, meta };
}

/**
 * The key in a key file (its JSON text or the parsed object).
 * Throws `KEYSTORE_PASSWORD`, `KEYSTORE_FORMAT`, `KEYSTORE_UNSUPPORTED`. Cost: as for `encryptKeystore`.
 */
export function decryptKeystore(json: unknown, password?: string): KeyPair {
  const { encoded, type } = checkForm(typeof json === 'string' ? parseJson(json) : json);
  const pkcs8 = type === OPEN ? encoded : decrypt(encoded, password);
  const divider = PKCS8_HEAD.length + SECRET_BYTES;
  const publicAt = divider + PKCS8_DIVIDER.length;
  const wellFormed =
    pkcs8.length === publicAt + PUBLIC_BYTES &&
    equalBytes(pkcs8.subarray(0, PKCS8_HEAD.length), PKCS8_HEAD) &&
    equalBytes(pkcs8.subarray(divider, publicAt), PKCS8_DIVIDER);
  if (!wellFormed) throw badFormat('encoded');
  return checkedKeyPair(pkcs8.slice(publicAt), pkcs8.slice(PKCS8_HEAD.length, divider));
}

function decrypt(encrypted: Uint8Array, password: string | undefined): Uint8Array {
  if (!password)
    throw new KeystoreError(
      { code: 'KEYSTORE_PASSWORD', given: false },
      'this key file is encrypted: give its password',
    );
  let scrypt: ReturnType<typeof scryptFromU8a>;
  try {
    scrypt = scryptFromU8a(encrypted);
  } catch {
    throw badFormat('encoded'); // too short, or costs outside the list (which also bounds the work a file may ask for)
  }
  const key = scryptEncode(password, scrypt.salt, scrypt.params).password.subarray(0, 32);
  const nonce = encrypted.subarray(SCRYPT_BYTES, SCRYPT_BYTES + NONCE_BYTES);
  const box = encrypted.subarray(SCRYPT_BYTES + NONCE_BYTES);
  if (nonce.length < NONCE_BYTES) throw badFormat('encoded');
  const pkcs8 = naclDecrypt(box, nonce, key);
  if (!pkcs8)
    throw new KeystoreError(
      { code: 'KEYSTORE_PASSWORD', given: true },
      'the password is wrong, or the file was changed',
    );
  return pkcs8;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw badFormat('JSON');
  }
}

function checkForm(json: unknown): { encoded: Uint8Array; type: string } {
  if (typeof json !== 'object' || json === null) throw badFormat('JSON');
  const { encoded, encoding } = json as Partial<Record<string, unknown>>;
  if (typeof encoding !== 'object' || encoding === null) throw badFormat('encoding');
  const { content, type, version } = encoding as Partial<Record<string, unknown>>;
  if (version !== '3') throw unsupported('version', version);
  if (String(content) !== String(CONTENT)) throw unsupported('content', content);
  if (String(type) !== ENCRYPTED && String(type) !== OPEN) throw unsupported('type', type);
  if (typeof encoded !== 'string') throw badFormat('encoded');
  return { encoded: decodeText(encoded), type: String(type) };
}

/** polkadot-js writes base64 and reads hex as well. */
function decodeText(encoded: string): Uint8Array {
  try {
    return encoded.startsWith('0x') ? fromHex(encoded) : base64Decode(encoded);
  } catch {
    throw badFormat('encoded');
  }
}

/** Refuses a public key that is not the secret key's: what such a key signs nobody accepts. */
/** The key, if its two halves belong together: a signature it makes must verify. */
function checkedKeyPair(publicKey: Uint8Array, secretKey: Uint8Array): KeyPair {
  const key = keyPairOf(publicKey, secretKey);
  const probe = utf8.encode('alice keystore probe');
  try {
    if (verifySignature(probe, key.sign(probe), publicKey)) return key;
  } catch {
    // not a scalar: falls through to the one error below
  }
  throw badFormat('encoded');
}

function badFormat(field: string): KeystoreError {
  return new KeystoreError(
    { code: 'KEYSTORE_FORMAT', field },
    `not a polkadot-js key file, or a damaged one (${field}): export it again from the wallet`,
  );
}

function unsupported(field: string, value: unknown): KeystoreError {
  const shown = String(value).slice(0, 60);
  return new KeystoreError(
    { code: 'KEYSTORE_UNSUPPORTED', field, value: shown },
    `key files with ${field} "${shown}" are not supported: export an sr25519 key as JSON from a current wallet`,
  );
}
