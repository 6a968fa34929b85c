/** @file `alice wallet`: make, import and list wallets, show addresses as QR codes, read balances, send ALICE. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import {
  type Address,
  ChainClient,
  decryptKeystore,
  formatAlice,
  initCrypto,
  type KeyPair,
  keyPairFromSecret,
  parseAlice,
} from '@alice/protocol';
import password from '@inquirer/password';
import { Command } from 'commander';
import pc from 'picocolors';
import { CliError } from '../errors.js';
import { urlOption } from '../options.js';
import { whileWaiting } from '../terminal/whileWaiting.js';
import { chainUrlOf } from '../up/runningNetwork.js';
import { addressNamed, refuseContactName, walletFolder } from '../wallet/contacts.js';
import { phraseLines } from '../wallet/phraseLines.js';
import { qrModules, terminalQr } from '../wallet/terminalQr.js';
import { walletLines, withBalances } from '../wallet/walletLines.js';
import {
  isEncryptedKeystore,
  listWallets,
  newKey,
  openKeystoreFile,
  readKeystore,
  saveWallet,
  walletPath,
} from '../wallet/walletStore.js';
import { askPassword, DEFAULT_CHAIN_URL, DEFAULT_DIR } from './common.js';
import { contactsCommand } from './walletContacts.js';

interface Flags {
  dir: string;
  json?: boolean;
  chain?: string;
  encrypt?: boolean;
  file?: string;
  path?: string;
  from: string;
}

const INCLUSION_TIMEOUT_MS = 60_000;

export function walletCommand(): Command {
  const wallet = new Command('wallet').description('make and use wallets');
  wallet.addCommand(newWallet());
  wallet.addCommand(importWallet());
  wallet.addCommand(list());
  wallet.addCommand(balance());
  wallet.addCommand(transfer());
  wallet.addCommand(qr());
  wallet.addCommand(contactsCommand());
  return wallet;
}

const base = (name: string, description: string): Command =>
  new Command(name)
    .description(description)
    .option('--dir <dir>', 'wallets are kept in DIR/wallets', DEFAULT_DIR)
    .option('--json', 'answer as JSON');
const folderOf = (flags: Flags): string => walletFolder(resolve(flags.dir));
const addressFor = (who: string, flags: Flags): Address => addressNamed(who, resolve(flags.dir));
const chainAddress = (flags: Flags): string => flags.chain ?? chainUrlOf(flags.dir) ?? DEFAULT_CHAIN_URL;
const chainOf = (flags: Flags): ChainClient => new ChainClient({ url: chainAddress(flags) });
const askingChain = (flags: Flags): string => `asking the chain at ${chainAddress(flags)}`;
const withChain = (command: Command): Command =>
  command.option(
    '--chain <url>',
    `RPC address of a chain node (default: the network in DIR, else ${DEFAULT_CHAIN_URL})`,
    urlOption('--chain'),
  );

function print(flags: Flags, value: unknown, lines: readonly string[]): void {
  process.stdout.write(flags.json ? `${JSON.stringify(value)}\n` : `${lines.join('\n')}\n`);
}

function newWallet(): Command {
  return base('new', 'make a wallet and show its recovery phrase once')
    .argument('[name]', 'its name', 'default')
    .option('--no-encrypt', 'store the key without a password (for tests and unattended miners)')
    .action(async (name: string, flags: Flags) => {
      await initCrypto();
      walletPath(folderOf(flags), name);
      refuseContactName(resolve(flags.dir), name);
      const secret = flags.encrypt ? await choosePassword() : undefined;
      const { phrase, key } = newKey();
      const entry = await saveWallet({ folder: folderOf(flags), name, key, password: secret });
      print(flags, { name, address: entry.address, phrase, path: entry.path }, [
        `${pc.bold(entry.address)}`,
        'recovery phrase:',
        ...phraseLines(phrase),
        pc.yellow('Write the phrase down now: it is stored nowhere. Who has it has the money.'),
        pc.dim(`kept in ${entry.path}`),
      ]);
    });
}

function importWallet(): Command {
  return base(
    'import',
    'import a recovery phrase (typed, or on standard input) or a polkadot-js keystore file',
  )
    .argument('<name>', 'its name here')
    .option('--file <keystore.json>', 'a keystore file instead of a phrase')
    .option('--path <path>', 'the key that this derivation path leads to, for example //miner/0', pathOption)
    .option('--no-encrypt', 'store the key without a password')
    .addHelpText(
      'after',
      `
One phrase holds any number of keys. A derivation path names one of them, as in Polkadot wallets:
  //name   a hard step: who has the key cannot find its siblings
  /name    a soft step
  ///word  a password of the phrase, at the end
Steps follow each other, names or numbers: //miner/0. The path belongs to the secret: without it the phrase
alone does not bring the key back.

Examples:
  alice wallet import main                         asks for the phrase
  alice wallet import rig-1 --path //miner/1       another key of the same phrase
  alice wallet import old --file account.json      a file exported by a Polkadot wallet`,
    )
    .action(async (name: string, flags: Flags) => {
      await initCrypto();
      walletPath(folderOf(flags), name);
      refuseContactName(resolve(flags.dir), name);
      const { file, path = '' } = flags;
      if (file && path) throw pathWithFile();
      const key = file ? await keyOfFile(file) : keyPairFromSecret(`${await readPhrase()}${path}`);
      const secret = flags.encrypt ? await choosePassword() : undefined;
      const entry = await saveWallet({ folder: folderOf(flags), name, key, password: secret });
      print(flags, entry, [`${pc.bold(entry.address)}`, pc.dim(`kept in ${entry.path}`)]);
    });
}

/** Option parser. Throws `OPTION_INVALID`. */
function pathOption(text: string): string {
  if (/^(?:\/{1,3}[^/\s]+)+$/.test(text)) return text;
  throw new CliError(
    { code: 'OPTION_INVALID', option: '--path' },
    `"${text}" is no derivation path: steps begin with "/" or "//", for example //miner/0`,
  );
}

function pathWithFile(): CliError {
  return new CliError(
    { code: 'OPTION_INVALID', option: '--path' },
    'a keystore file holds one key, from which no path leads on: give --path with a phrase',
  );
}

async function keyOfFile(path: string): Promise<KeyPair> {
  const keystore = readKeystore(path);
  return await decryptKeystore(
    keystore,
    isEncryptedKeystore(keystore) ? await askPassword(`Password of ${path}`) : undefined,
  );
}

async function readPhrase(): Promise<string> {
  const text = process.stdin.isTTY
    ? await password({ message: 'Recovery phrase (not shown)', mask: '•' })
    : readFileSync(0, 'utf8');
  return text.trim().replace(/\s+/g, ' ');
}

async function choosePassword(): Promise<string> {
  const first = await askPassword('Choose a password');
  if (first.length < 1)
    throw new CliError(
      { code: 'OPTION_INVALID', option: 'password' },
      'the password is empty: choose one, or store the key openly with --no-encrypt',
    );
  if (process.env['ALICE_WALLET_PASSWORD'] !== undefined) return first;
  if ((await askPassword('The same again')) !== first)
    throw new CliError(
      { code: 'OPTION_INVALID', option: 'password' },
      'the two passwords differ: nothing was stored, try again',
    );
  return first;
}

function list(): Command {
  return withChain(base('list', 'the wallets in DIR with their balances')).action(async (flags: Flags) => {
    await initCrypto();
    const rows = await whileWaiting(askingChain(flags), { quiet: flags.json }, () =>
      withBalances(listWallets(folderOf(flags)), chainOf(flags)),
    );
    const lines = walletLines(rows);
    print(
      flags,
      rows,
      lines.length > 0 ? lines : [`no wallets in ${folderOf(flags)}: make one with "alice wallet new"`],
    );
  });
}

function balance(): Command {
  return withChain(base('balance', 'what a wallet or an address holds'))
    .argument('[who]', 'name of a wallet in DIR or of a contact, or an address', 'default')
    .action(async (who: string, flags: Flags) => {
      await initCrypto();
      const address = addressFor(who, flags);
      const { freePlanck, nonce } = await whileWaiting(askingChain(flags), { quiet: flags.json }, () =>
        chainOf(flags).account(address),
      );
      print(flags, { address, planck: freePlanck.toString(), alice: formatAlice(freePlanck), nonce }, [
        `${address}  ${pc.bold(formatAlice(freePlanck))} ALICE`,
      ]);
    });
}

function qr(): Command {
  return base('qr', 'show an address as a QR code, for a wallet on a phone to scan')
    .argument('[who]', 'name of a wallet in DIR or of a contact, or an address', 'default')
    .action(async (who: string, flags: Flags) => {
      await initCrypto();
      const address = addressFor(who, flags);
      const modules = qrModules(address).map((row) => row.map((isDark) => (isDark ? '1' : '0')).join(''));
      print(flags, { address, modules }, [...terminalQr(address), address]);
    });
}

function transfer(): Command {
  return withChain(base('transfer', 'send ALICE'))
    .argument('<amount>', 'how many ALICE, for example 1.5')
    .argument('<to>', 'an address, or the name of a wallet in DIR or of a contact')
    .option('--from <wallet>', 'name of the paying wallet', 'default')
    .action(async (amount: string, to: string, flags: Flags) => {
      await initCrypto();
      const planck = parseAlice(amount);
      const dest = addressFor(to, flags);
      const path = walletPath(folderOf(flags), flags.from);
      const key = await openKeystoreFile(
        path,
        isEncryptedKeystore(readKeystore(path)) ? await askPassword(`Password of ${flags.from}`) : undefined,
      );
      const chain = chainOf(flags);
      const result = await whileWaiting('waiting for the next block', { quiet: flags.json }, async () =>
        chain.waitFor(await chain.transfer(key, { to: dest, planck }), { timeoutMs: INCLUSION_TIMEOUT_MS }),
      );
      print(flags, { from: key.address, to: dest, amountPlanck: planck.toString(), ...result }, [
        `${pc.green('sent')} ${formatAlice(planck)} ALICE to ${dest}`,
        pc.dim(`extrinsic ${result.hash} in block ${result.blockNumber}`),
      ]);
    });
}
