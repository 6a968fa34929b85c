/** @file `alice miner install-service`: mines in the background, from login on, as a service of this person's session. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import pc from 'picocolors';
import { CliError } from '../errors.js';
import { miningOptionsGiven, withMiningOptions } from '../miner/miningOptions.js';
import {
  launchdAgent,
  launchdLabel,
  type ServicePlan,
  serviceName,
  systemdUnit,
  windowsTask,
} from '../miner/serviceFile.js';
import { urlOption } from '../options.js';
import { walletPath } from '../wallet/walletStore.js';
import { DEFAULT_DIR, DEFAULT_SERVER_URL } from './common.js';

interface Flags {
  instance: string;
  server: string;
  dir: string;
  wallet: string;
  keyFile?: string;
  print?: boolean;
  json?: boolean;
}

export function minerServiceCommand(): Command {
  const command = withMiningOptions(new Command('install-service'));
  const given = miningOptionsGiven(command);
  return command
    .description(
      'write a service (systemd, launchd, or a task of Windows) that mines from login on, and say how to start it',
    )
    .option('--server <url>', 'the parameter server', urlOption('--server'), DEFAULT_SERVER_URL)
    .option('--wallet <name>', 'wallet in DIR/wallets that is paid; it must exist', 'default')
    .option('--key-file <file>', 'keystore to use instead of a wallet')
    .option('--dir <dir>', 'folder of the miner', join(DEFAULT_DIR, 'miner'))
    .option('--print', 'show the file instead of writing it')
    .option('--json', 'answer as JSON')
    .addHelpText(
      'after',
      `
The service runs as you, never as root, and reads the wallet without asking: make it with
"alice miner" once, or "alice wallet new --no-encrypt".

Examples:
  alice miner install-service --server https://alice.example
  alice miner install-service --instance gpu2 --device cuda    # a second service beside the first
  alice miner install-service --print`,
    )
    .action((flags: Flags) => {
      const service = describe(flags, given);
      const { path, text, next } = service;
      if (flags.print) process.stdout.write(text);
      else install(service);
      if (flags.json) process.stdout.write(`${JSON.stringify({ path, next })}\n`);
      else if (!flags.print)
        process.stdout.write(
          `${pc.green('✓')} ${path}\n\nStart it, and see what it does:\n${next.map((line) => `  ${line}\n`).join('')}`,
        );
    });
}

interface Service {
  readonly path: string;
  readonly text: string;
  /** Where it runs; systemd starts nothing where there is no such folder. */
  readonly workingDir: string;
  /** Written so, with a byte order mark, as Windows wants it. */
  readonly isUtf16?: boolean;
  /** Commands that start it, show it and take it away. */
  readonly next: readonly string[];
}

function describe(flags: Flags, given: readonly string[]): Service {
  const plan = planOf(flags, given);
  const name = serviceName(plan.instance);
  if (process.platform === 'darwin') {
    const path = join(homedir(), 'Library', 'LaunchAgents', `${launchdLabel(plan.instance)}.plist`);
    return {
      ...{ path, text: launchdAgent(plan), workingDir: plan.workingDir },
      next: [`launchctl load ${path}`, `tail -f ${plan.logFile}`, `launchctl unload ${path}`],
    };
  }
  if (process.platform === 'win32') {
    const path = join(plan.workingDir, `${name}.xml`);
    return {
      ...{ path, text: windowsTask(plan), workingDir: plan.workingDir, isUtf16: true },
      next: [
        `schtasks /Create /TN ${name} /XML "${path}"`,
        `schtasks /Run /TN ${name}`,
        `schtasks /Query /TN ${name}`,
        `schtasks /Delete /TN ${name} /F`,
      ],
    };
  }
  if (process.platform !== 'linux')
    throw new CliError(
      { code: 'OPTION_INVALID', option: 'install-service' },
      'services are written for systemd, launchd and the Task Scheduler of Windows: here, run "alice miner" as your system does such things',
    );
  const config = process.env['XDG_CONFIG_HOME'] ?? join(homedir(), '.config');
  const unit = `${name}.service`;
  return {
    ...{ path: join(config, 'systemd', 'user', unit), text: systemdUnit(plan), workingDir: plan.workingDir },
    next: [
      `systemctl --user daemon-reload && systemctl --user enable --now ${unit}`,
      `journalctl --user -fu ${unit}`,
      `loginctl enable-linger      # also while you are logged out`,
      `systemctl --user disable --now ${unit}`,
    ],
  };
}

/** Throws `WALLET_NOT_FOUND`: a service has nobody to show a new phrase to. */
function planOf({ instance, server, dir, wallet, keyFile }: Flags, given: readonly string[]): ServicePlan {
  const folder = resolve(dir);
  const key = resolve(keyFile ?? walletPath(join(folder, 'wallets'), wallet));
  if (!existsSync(key))
    throw new CliError(
      { code: 'WALLET_NOT_FOUND', name: key },
      `no wallet at ${key}: run "alice miner" once to make one, or name another with --key-file`,
    );
  const entry = fileURLToPath(new URL('../main.js', import.meta.url));
  return {
    command: [
      ...[process.execPath, entry, 'miner', '--server', server, '--key-file', key, '--dir', folder],
      ...given,
    ],
    ...{ instance, workingDir: folder, environment: { NO_COLOR: '1' } },
    logFile: join(folder, instance === 'main' ? 'miner.log' : `miner-${instance}.log`),
  };
}

function install({ path, text, isUtf16, workingDir }: Service): void {
  for (const folder of [dirname(path), workingDir]) mkdirSync(folder, { recursive: true });
  writeFileSync(path, isUtf16 ? Buffer.from(`\ufeff${text}`, 'utf16le') : text, { mode: 0o600 });
}
