/** @file `alice wallet`: make, import and list wallets, read balances, send ALICE. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import {
  ChainClient,
  decryptKeystore,
  formatAlice,
  initCrypto,
  type KeyPair,
  keyPairFromSecret,
  parseAddress,
  parseAlice,
} from '@alice/protocol';
import password from '@inquirer/password';
import { Command } from 'commander';
import pc from 'picocolors';
import { chainUrlOf } from '../chain/chainUrl.js';
import { CliError } from '../errors.js';
import { urlOption } from '../options.js';
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

interface Flags {
  dir: string;
  json?: boolean;
  chain?: string;
  encrypt?: boolean;
  file?: string;
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
  return wallet;
}

const base = (name: string, description: string): Command =>
  new Command(name)
    .description(description)
    .option('--dir <dir>', 'wallets are kept in DIR/wallets', DEFAULT_DIR)
    .option('--json', 'answer as JSON');
const folderOf = (flags: Flags): string => join(resolve(flags.dir), 'wallets');
const chainOf = (flags: Flags): ChainClient =>
  new ChainClient({ url: flags.chain ?? chainUrlOf(flags.dir) ?? DEFAULT_CHAIN_URL });
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
      const secret = flags.encrypt ? await choosePassword() : undefined;
      const { phrase, key } = newKey();
      const entry = await saveWallet({ folder: folderOf(flags), name, key, password: secret });
      print(flags, { name, address: entry.address, phrase, path: entry.path }, [
        `${pc.bold(entry.address)}`,
        `recovery phrase: ${pc.bold(phrase)}`,
        pc.yellow('Write the phrase down now: it is stored nowhere and whoever has it has the money.'),
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
    .option('--no-encrypt', 'store the key without a password')
    .action(async (name: string, flags: Flags) => {
      await initCrypto();
      walletPath(folderOf(flags), name);
      const key = flags.file ? await keyOfFile(flags.file) : keyPairFromSecret(await readPhrase());
      const secret = flags.encrypt ? await choosePassword() : undefined;
      const entry = await saveWallet({ folder: folderOf(flags), name, key, password: secret });
      print(flags, entry, [`${pc.bold(entry.address)}`, pc.dim(`kept in ${entry.path}`)]);
    });
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
    const chain = chainOf(flags);
    const rows = [];
    for (const entry of listWallets(folderOf(flags))) {
      const planck = await chain
        .account(parseAddress(entry.address))
        .then((a) => a.freePlanck.toString())
        .catch(() => null);
      rows.push({ ...entry, planck });
    }
    const lines = rows.map(
      ({ name, address, planck, encrypted }) =>
        `${name.padEnd(12)} ${address}  ${planck === null ? pc.dim('chain not reachable') : `${formatAlice(BigInt(planck))} ALICE`}${encrypted ? '' : pc.dim('  (not encrypted)')}`,
    );
    print(
      flags,
      rows,
      lines.length > 0 ? lines : [`no wallets in ${folderOf(flags)}: make one with "alice wallet new"`],
    );
  });
}

function balance(): Command {
  return withChain(base('balance', 'what a wallet or an address holds'))
    .argument('[wallet or address]', 'name of a wallet in DIR, or an address', 'default')
    .action(async (who: string, flags: Flags) => {
      await initCrypto();
      const address = addressFor(who, flags);
      const { freePlanck, nonce } = await chainOf(flags).account(address);
      print(flags, { address, planck: freePlanck.toString(), alice: formatAlice(freePlanck), nonce }, [
        `${address}  ${pc.bold(formatAlice(freePlanck))} ALICE`,
      ]);
    });
}

function addressFor(who: string, flags: Flags): ReturnType<typeof parseAddress> {
  const entry = listWallets(folderOf(flags)).find(({ name }) => name === who);
  if (entry) return parseAddress(entry.address);
  if (who.length > 40) return parseAddress(who);
  throw new CliError(
    { code: 'WALLET_NOT_FOUND', name: who },
    `no wallet "${who}" in ${folderOf(flags)}: "alice wallet list" shows what is there`,
  );
}

function transfer(): Command {
  return withChain(base('transfer', 'send ALICE'))
    .argument('<amount>', 'how many ALICE, for example 1.5')
    .argument('<to>', 'an address, or the name of a wallet in DIR')
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
      const result = await chain.waitFor(await chain.transfer(key, { to: dest, planck }), {
        timeoutMs: INCLUSION_TIMEOUT_MS,
      });
      print(flags, { from: key.address, to: dest, amountPlanck: planck.toString(), ...result }, [
        `${pc.green('sent')} ${formatAlice(planck)} ALICE to ${dest}`,
        pc.dim(`extrinsic ${result.hash} in block ${result.blockNumber}`),
      ]);
    });
}
