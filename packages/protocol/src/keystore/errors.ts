/** @file What a key file may be refused for. Neither password nor key ever enters an error. */
import { CodedError } from '../errors.js';

export type KeystoreErrorInfo =
  | { code: 'KEYSTORE_PASSWORD'; given: boolean } // wrong, or missing for an encrypted file
  | { code: 'KEYSTORE_FORMAT'; field: string } // not a polkadot-js key file, or a damaged one
  | { code: 'KEYSTORE_UNSUPPORTED'; field: string; value: string }; // another key type, version or cipher

export class KeystoreError extends CodedError<KeystoreErrorInfo> {
  override name = 'KeystoreError';
}
