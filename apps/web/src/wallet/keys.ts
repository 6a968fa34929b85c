/**
 * @file The heavy part of the wallet, a file of its own: phrases, key files, signatures (schnorrkel in WebAssembly). A
 * decrypted key lives only for the one signature it was asked for.
 */
import {
  type Address,
  addressOf,
  decryptKeystore,
  encodeCall,
  encryptKeystore,
  initCrypto,
  type KeyPair,
  type KeystoreJson,
  newMnemonic,
  type SigningContext,
  signExtrinsicV4,
} from '@alice/protocol';
import { accountOfAnyAddress } from '../chain/ss58.js';
import { WebError } from '../errors.js';

export const LEAST_PASSWORD_LENGTH = 8;

export async function newPhrase(): Promise<string> {
  await initCrypto();
  return newMnemonic();
}

/** Throws `WALLET_INPUT` for a weak password, `MNEMONIC_INVALID`, `SECRET_INVALID`. Cost: about half a second. */
export async function keystoreOfPhrase(
  phrase: string,
  password: string,
  name: string,
): Promise<KeystoreJson> {
  checkPassword(password);
  await initCrypto();
  const words = phrase.trim().replace(/\s+/g, ' ');
  return encryptKeystore(words, password, { name, whenCreated: Date.now() });
}

/** Opens a key file and encrypts it anew, so that one exported in the open is not kept that way. */
export async function keystoreOfFile(json: string, password: string, name: string): Promise<KeystoreJson> {
  checkPassword(password);
  await initCrypto();
  return encryptKeystore(decryptKeystore(json, password), password, { name, whenCreated: Date.now() });
}

/** Throws `KEYSTORE_PASSWORD` for a wrong password. */
export async function unlock(keystore: KeystoreJson, password: string): Promise<KeyPair> {
  await initCrypto();
  return decryptKeystore(keystore, password);
}

export interface Transfer {
  readonly from: string;
  readonly to: string;
  readonly planck: bigint;
}

/** The call's bytes. Throws `ADDRESS_INVALID`. */
export async function transferCall({ to, planck }: Transfer): Promise<Uint8Array> {
  await initCrypto();
  return encodeCall.transferKeepAlive({ to: to as Address, planck });
}

/** A transfer signed by a key of ours. */
export function signedTransfer(call: Uint8Array, keyPair: KeyPair, context: SigningContext): Uint8Array {
  return signExtrinsicV4({ call, keyPair, ...context });
}

/** The same extrinsic around a signature made elsewhere (64 bytes, sr25519), or around zeros to ask for the fee. */
export function transferWithSignature(
  call: Uint8Array,
  { from, signature }: { readonly from: string; readonly signature: Uint8Array },
  context: SigningContext,
): Uint8Array {
  const publicKey = accountOfAnyAddress(from);
  const keyPair = {
    address: addressOf(publicKey),
    publicKey,
    secretKey: new Uint8Array(),
    sign: () => signature,
  };
  return signExtrinsicV4({ call, keyPair, ...context });
}

function checkPassword(password: string): void {
  if (password.length < LEAST_PASSWORD_LENGTH)
    throw new WebError(
      { code: 'WALLET_INPUT', field: 'password' },
      `the password needs at least ${LEAST_PASSWORD_LENGTH} characters: it is all that protects the key on this device`,
    );
}
