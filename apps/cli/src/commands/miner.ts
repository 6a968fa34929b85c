/** @file `alice miner`: trains for a parameter server and is paid for what helps. */
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { type Address, initCrypto, type KeyPair, type Logger, parseAddress } from '@alice/protocol';
import { Command } from 'commander';
import pc from 'picocolors';
import { createLogger } from '../logging.js';
import { describeMinerEvent } from '../miner/describeMinerEvent.js';
import { integerOption, urlOption } from '../options.js';
import { createLifecycle } from '../process/lifecycle.js';
import { newKey, saveWallet, walletPath } from '../wallet/walletStore.js';
import { DEFAULT_DIR, DEFAULT_SERVER_URL, type LogOptions, openKey, withLogOptions } from './common.js';

interface Flags extends LogOptions {
  server: string;
  keyFile?: string;
  wallet: string;
  rewardAddress?: string;
  dir: string;
  instance: string;
  threads: number;
  tasks?: number;
}

export function minerCommand(): Command {
  const command = new Command('miner')
    .description('train for a parameter server; makes a wallet on the first run')
    .option('--server <url>', 'the parameter server', urlOption('--server'), DEFAULT_SERVER_URL)
    .option('--wallet <name>', 'wallet in DIR/wallets that is paid', 'default')
    .option('--key-file <file>', 'keystore to use instead of a wallet')
    .option('--reward-address <address>', 'pay another address than the one that signs')
    .option(
      '--dir <dir>',
      'where its wallet, model copy and unsent remainder are kept',
      join(DEFAULT_DIR, 'miner'),
    )
    .option('--instance <name>', 'name of this machine among yours', 'main')
    .option(
      '--threads <n>',
      'processor threads to use',
      integerOption('--threads', 1, 256),
      availableParallelism(),
    )
    .option('--tasks <n>', 'stop after this many tasks', integerOption('--tasks', 1, 1_000_000));
  return withLogOptions(command).action(async (flags: Flags) => {
    const lifecycle = createLifecycle();
    await initCrypto();
    const log = createLogger('miner', flags.log, flags.logLevel);
    const key = await minerKey(flags, log);
    lifecycle.ready();
    const rewardAddress: Address | undefined =
      flags.rewardAddress === undefined ? undefined : parseAddress(flags.rewardAddress);
    const { runMiner } = await import('@alice/miner');
    await runMiner(
      {
        serverUrl: flags.server,
        key,
        instance: flags.instance,
        threads: flags.threads,
        dir: resolve(flags.dir),
        ...(rewardAddress ? { rewardAddress } : {}),
        ...(flags.tasks ? { maxTasks: flags.tasks } : {}),
      },
      { log, signal: lifecycle.signal, onEvent: (event) => describeMinerEvent(event, log) },
    );
  });
}

/** The wallet asked for; on a first run without one, a new unencrypted wallet whose phrase is shown once. */
async function minerKey(flags: Flags, log: Logger): Promise<KeyPair> {
  const walletDir = join(resolve(flags.dir), 'wallets');
  if (flags.keyFile === undefined && !existsSync(walletPath(walletDir, flags.wallet))) {
    const { phrase, key } = newKey();
    const entry = await saveWallet({ folder: walletDir, name: flags.wallet, key, password: undefined });
    process.stderr.write(
      `${pc.bold('A new wallet was made for this miner')}\n  address          ${entry.address}\n  recovery phrase  ${pc.bold(phrase)}\n`,
    );
    process.stderr.write(
      `${pc.yellow('  Write the phrase down now: it is not shown again, and whoever has it has the money.')}\n\n`,
    );
    return key;
  }
  const key = await openKey({ keyFile: flags.keyFile, wallet: flags.wallet, walletDir });
  log.debug('Wallet opened', { address: key.address });
  return key;
}
