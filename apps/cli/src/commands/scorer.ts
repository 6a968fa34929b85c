/** @file `alice scorer`: evaluates submissions for a parameter server, in a process of its own, here or elsewhere. */
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { createLogger } from '../logging.js';
import { integerOption, urlOption } from '../options.js';
import { createLifecycle } from '../process/lifecycle.js';
import { CA_OPTION, hasRunTrusting } from '../process/trustedCa.js';
import { type DeviceFlags, openDevice, withDeviceOption } from '../training/deviceOption.js';
import { type WeightsFlags, withWeightsOption } from '../training/weightsOption.js';
import { DEFAULT_DIR, DEFAULT_SERVER_URL, type LogOptions, openKey, withLogOptions } from './common.js';

interface Flags extends LogOptions, DeviceFlags, WeightsFlags {
  server: string;
  ca?: string;
  keyFile?: string;
  wallet: string;
  dir: string;
  instance: string;
  threads: number;
}

export function scorerCommand(): Command {
  const command = new Command('scorer')
    .description('score submissions for a parameter server (its operator must allow your address)')
    .option('--server <url>', 'the parameter server', urlOption('--server'), DEFAULT_SERVER_URL)
    .option(...CA_OPTION)
    .option('--key-file <file>', 'keystore of the scorer')
    .option('--wallet <name>', 'wallet below DIR/wallets, when there is no --key-file', 'scorer')
    .option('--dir <dir>', 'where its files are kept', join(DEFAULT_DIR, 'scorer'))
    .option('--instance <name>', 'name of this machine among yours', 'main')
    .option(
      '--threads <n>',
      'processor threads to use',
      integerOption('--threads', 1, 256),
      availableParallelism(),
    );
  return withLogOptions(withWeightsOption(withDeviceOption(command))).action(async (flags: Flags) => {
    if (await hasRunTrusting(flags.ca)) return;
    const lifecycle = createLifecycle();
    const log = createLogger('scorer', flags.log, flags.logLevel);
    const key = await openKey({
      keyFile: flags.keyFile,
      wallet: flags.wallet,
      walletDir: join(resolve(flags.dir), 'wallets'),
    });
    const device = await openDevice(flags);
    if (device) log.info('Computing on', { device: device.device, name: device.name });
    lifecycle.ready();
    const { runScorer } = await import('@alice/server');
    await runScorer(
      {
        serverUrl: flags.server,
        key,
        instance: flags.instance,
        threads: flags.threads,
        device: device?.device,
        dir: resolve(flags.dir),
        weights: flags.weights,
      },
      { log, signal: lifecycle.signal },
    );
  });
}
