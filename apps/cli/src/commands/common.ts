/** @file Options that several commands share, and how a command gets its key. */
import { join } from 'node:path';
import { initCrypto, type KeyPair } from '@alice/protocol';
import password from '@inquirer/password';
import type { Command } from 'commander';
import { CliError } from '../errors.js';
import { LOG_LEVELS, type LogLevel, type LogStyle } from '../logging.js';
import { choiceOption } from '../options.js';
import { isEncryptedKeystore, openKeystoreFile, readKeystore } from '../wallet/walletStore.js';

/** Where a local network and its wallets live unless told otherwise: in the current folder. */
export const DEFAULT_DIR = '.alice';
export const DEFAULT_SERVER_URL = 'http://127.0.0.1:8420';
export const DEFAULT_CHAIN_URL = 'http://127.0.0.1:9944';

export interface LogOptions {
  readonly log: LogStyle;
  readonly logLevel: LogLevel;
}

export function withLogOptions(command: Command): Command {
  return command
    .option(
      '--log <style>',
      'text for people, json for machines',
      choiceOption<LogStyle>('--log', ['text', 'json']),
      'text',
    )
    .option(
      '--log-level <level>',
      LOG_LEVELS.join(', '),
      choiceOption<LogLevel>('--log-level', LOG_LEVELS),
      'info',
    );
}

/** The key of `--key-file`, else of the wallet named `--wallet` below `--dir`. Asks for the password of an encrypted one. */
export async function openKey(options: {
  keyFile: string | undefined;
  wallet: string;
  walletDir: string;
}): Promise<KeyPair> {
  await initCrypto();
  const path = options.keyFile ?? join(options.walletDir, `${options.wallet}.json`);
  const keystore = readKeystore(path);
  return await openKeystoreFile(
    path,
    isEncryptedKeystore(keystore) ? await askPassword(`Password of ${path}`) : undefined,
  );
}

/** The password from ALICE_WALLET_PASSWORD, else typed without echo. Throws NOT_INTERACTIVE without a terminal. */
export async function askPassword(question: string): Promise<string> {
  const given = process.env['ALICE_WALLET_PASSWORD'];
  if (given !== undefined) return given;
  if (!process.stdin.isTTY)
    throw new CliError(
      { code: 'NOT_INTERACTIVE' },
      'a password is needed and there is no terminal to ask on: set ALICE_WALLET_PASSWORD',
    );
  return await password({ message: question, mask: '•' });
}
