/**
 * @file Wallets as files: one polkadot-js keystore JSON per name in a folder, readable by its owner only. Local test
 * networks keep theirs unencrypted, because their processes start unattended; wallets made by people are encrypted.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  decryptKeystore,
  encryptKeystore,
  type KeyPair,
  type KeystoreJson,
  keyPairFromSecret,
  newMnemonic,
} from '@alice/protocol';
import { CliError } from '../errors.js';

export interface WalletEntry {
  readonly name: string;
  readonly address: string;
  readonly encrypted: boolean;
  readonly path: string;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

export function walletPath(folder: string, name: string): string {
  if (!NAME.test(name))
    throw new CliError(
      { code: 'OPTION_INVALID', option: 'name' },
      `"${name}" is not a wallet name: letters, digits, "-" and "_", at most 64`,
    );
  return join(folder, `${name}.json`);
}

/** Stores a key under a name; refuses to replace one. `password` undefined stores it unencrypted. */
export async function saveWallet(options: {
  folder: string;
  name: string;
  key: KeyPair;
  password: string | undefined;
}): Promise<WalletEntry> {
  const path = walletPath(options.folder, options.name);
  if (existsSync(path))
    throw new CliError(
      { code: 'WALLET_EXISTS', name: options.name },
      `a wallet "${options.name}" exists already in ${options.folder}: choose another name`,
    );
  mkdirSync(options.folder, { recursive: true, mode: 0o700 });
  const json = encryptKeystore(options.key, options.password, { name: options.name });
  writeFileSync(`${path}.tmp`, `${JSON.stringify(json, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${path}.tmp`, path);
  return {
    name: options.name,
    address: options.key.address,
    encrypted: options.password !== undefined,
    path,
  };
}

/** A new key with its recovery phrase. The phrase is shown once by the caller and stored nowhere. */
export function newKey(): { phrase: string; key: KeyPair } {
  const phrase = newMnemonic();
  return { phrase, key: keyPairFromSecret(phrase) };
}

export async function openKeystoreFile(path: string, password: string | undefined): Promise<KeyPair> {
  return decryptKeystore(readKeystore(path), password);
}

export function readKeystore(path: string): KeystoreJson {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    throw new CliError(
      { code: 'WALLET_NOT_FOUND', name: path },
      `no wallet at ${path}: make one with "alice wallet new", or list yours with "alice wallet list"`,
    );
  }
  try {
    return JSON.parse(text) as KeystoreJson;
  } catch {
    throw new CliError(
      { code: 'WALLET_UNREADABLE', path },
      `${path} is not a keystore: restore it from a backup or import the recovery phrase again`,
    );
  }
}

export function isEncryptedKeystore(keystore: KeystoreJson): boolean {
  return keystore.encoding?.type?.includes('scrypt') ?? false;
}

export function listWallets(folder: string): WalletEntry[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .sort()
    .map((file) => {
      const path = join(folder, file);
      const json = readKeystore(path);
      return {
        name: file.slice(0, -'.json'.length),
        address: json.address,
        encrypted: isEncryptedKeystore(json),
        path,
      };
    });
}

/** Opens the wallet of that name, making an unencrypted one when there is none: for the processes of a local network. */
export async function ensureLocalWallet(folder: string, name: string): Promise<KeyPair> {
  const path = walletPath(folder, name);
  if (existsSync(path)) return await openKeystoreFile(path, undefined);
  const { key } = newKey();
  await saveWallet({ folder, name, key, password: undefined });
  return key;
}
