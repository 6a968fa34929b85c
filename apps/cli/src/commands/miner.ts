/** @file `alice miner`: trains for a parameter server and is paid for what helps. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Address, initCrypto, type KeyPair, type Logger, parseAddress } from '@alice/protocol';
import { Command } from 'commander';
import pc from 'picocolors';
import { createLogger } from '../logging.js';

import { firstRun, firstRunLines } from '../miner/firstRun.js';
import { holdReason } from '../miner/holdReason.js';
import { minerView } from '../miner/minerView.js';
import { type MiningFlags, withMiningOptions } from '../miner/miningOptions.js';
import { integerOption, urlOption } from '../options.js';
import { createLifecycle } from '../process/lifecycle.js';
import { hasRunTrusting } from '../process/trustedCa.js';
import { openDevice } from '../training/deviceOption.js';
import { phraseLines } from '../wallet/phraseLines.js';
import { newKey, saveWallet, walletPath } from '../wallet/walletStore.js';
import { DEFAULT_DIR, DEFAULT_SERVER_URL, type LogOptions, openKey, withLogOptions } from './common.js';
import { minerServiceCommand } from './minerService.js';
import { minerEstimateCommand, minerStatusCommand } from './minerStatus.js';

interface Flags extends LogOptions, MiningFlags {
  server: string;
  keyFile?: string;
  wallet: string;
  dir: string;
  tasks?: number;
}

export function minerCommand(): Command {
  const command = withMiningOptions(
    new Command('miner')
      .description('train for a parameter server; makes a wallet on the first run')
      .option('--server <url>', 'the parameter server', urlOption('--server'), DEFAULT_SERVER_URL)
      .option('--wallet <name>', 'wallet in DIR/wallets that is paid', 'default')
      .option('--key-file <file>', 'keystore to use instead of a wallet')
      .option(
        '--dir <dir>',
        'where its wallet, model copy and unsent remainder are kept',
        join(DEFAULT_DIR, 'miner'),
      )
      .option('--tasks <n>', 'stop after this many tasks', integerOption('--tasks', 1, 1_000_000)),
  );
  command
    .enablePositionalOptions() // its own --server and those of the commands below are different options
    .addCommand(minerStatusCommand())
    .addCommand(minerEstimateCommand())
    .addCommand(minerServiceCommand())
    .addHelpText(
      'after',
      `
The first run makes a wallet, shows its recovery phrase once, measures this machine and estimates what it may earn.

Examples:
  alice miner --server https://alice.example
  alice miner --schedule 22:00-07:00,12:30-13:30 --pause-on-battery
  alice miner status                    what it earned, and why it was or was not paid
  alice miner install-service           mine in the background, from login on`,
    );
  return withLogOptions(command).action(async (flags: Flags) => {
    if (await hasRunTrusting(flags.ca)) return;
    const lifecycle = createLifecycle();
    await initCrypto();
    const log = createLogger('miner', flags.log, flags.logLevel);
    const device = await openDevice(flags);
    if (device) log.info('Computing on', { device: device.device, name: device.name });
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
        ...{ device, precision: flags.precision },
        dir: resolve(flags.dir),
        weights: flags.weights,
        dataMirrors: flags.dataMirror,
        modelMirrors: flags.modelMirror,
        holdReason: holdReason(flags),
        ...(rewardAddress ? { rewardAddress } : {}),
        ...(flags.tasks ? { maxTasks: flags.tasks } : {}),
      },
      { log, signal: lifecycle.signal, onEvent: minerView(log, { quiet: flags.log === 'json' }) },
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
      `${pc.bold('A new wallet was made for this miner')}\n  address  ${entry.address}\n  recovery phrase:\n${phraseLines(phrase).join('\n')}\n`,
    );
    process.stderr.write(
      `${pc.yellow('  Write the phrase down now: it is not shown again. Who has it has the money.')}\n\n`,
    );
    const report = await firstRun({
      serverUrl: flags.server,
      threads: flags.threads,
      quiet: flags.log === 'json',
    });
    process.stderr.write(`${firstRunLines(report).join('\n')}\n\n`);
    return key;
  }
  const key = await openKey({ keyFile: flags.keyFile, wallet: flags.wallet, walletDir });
  log.debug('Wallet opened', { address: key.address });
  return key;
}
