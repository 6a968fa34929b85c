/** @file `alice miner`: trains for a parameter server and is paid for what helps. */
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { type Address, initCrypto, type KeyPair, type Logger, parseAddress } from '@alice/protocol';
import { Command } from 'commander';
import pc from 'picocolors';
import { createLogger } from '../logging.js';

import { firstRun, firstRunLines } from '../miner/firstRun.js';
import { holdReason } from '../miner/holdReason.js';
import { minerView } from '../miner/minerView.js';
import { parseSchedule, type Schedule } from '../miner/schedule.js';
import { integerOption, urlOption } from '../options.js';
import { createLifecycle } from '../process/lifecycle.js';
import { CA_OPTION, hasRunTrusting } from '../process/trustedCa.js';
import {
  type DeviceFlags,
  openDevice,
  type PrecisionFlags,
  withDeviceOption,
  withPrecisionOption,
} from '../training/deviceOption.js';
import { type WeightsFlags, withWeightsOption } from '../training/weightsOption.js';
import { phraseLines } from '../wallet/phraseLines.js';
import { newKey, saveWallet, walletPath } from '../wallet/walletStore.js';
import { DEFAULT_DIR, DEFAULT_SERVER_URL, type LogOptions, openKey, withLogOptions } from './common.js';
import { minerServiceCommand } from './minerService.js';
import { minerEstimateCommand, minerStatusCommand } from './minerStatus.js';

interface Flags extends LogOptions, DeviceFlags, PrecisionFlags, WeightsFlags {
  server: string;
  ca?: string;
  keyFile?: string;
  wallet: string;
  rewardAddress?: string;
  dir: string;
  instance: string;
  threads: number;
  tasks?: number;
  dataMirror: string[];
  schedule?: Schedule;
  pauseOnBattery?: boolean;
}

export function minerCommand(): Command {
  const command = new Command('miner')
    .description('train for a parameter server; makes a wallet on the first run')
    .option('--server <url>', 'the parameter server', urlOption('--server'), DEFAULT_SERVER_URL)
    .option(...CA_OPTION)
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
    .option(
      '--data-mirror <url>',
      'web server with the files of the dataset, asked before the parameter server (may be repeated)',
      (url: string, before: string[]) => [...before, urlOption('--data-mirror')(url)],
      [],
    )
    .option(
      '--schedule <times>',
      'take tasks only then, by the local clock: 22:00-07:00, or several such spans separated by commas',
      parseSchedule,
    )
    .option('--pause-on-battery', 'take no task while this computer runs on its battery')
    .option('--tasks <n>', 'stop after this many tasks', integerOption('--tasks', 1, 1_000_000));
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
  return withLogOptions(withWeightsOption(withPrecisionOption(withDeviceOption(command)))).action(
    async (flags: Flags) => {
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
          holdReason: holdReason(flags),
          ...(rewardAddress ? { rewardAddress } : {}),
          ...(flags.tasks ? { maxTasks: flags.tasks } : {}),
        },
        { log, signal: lifecycle.signal, onEvent: minerView(log, { quiet: flags.log === 'json' }) },
      );
    },
  );
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
