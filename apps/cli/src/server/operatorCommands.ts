/** @file `alice server ban|unban|backup|restore`: what an operator does besides letting it run. */
import { join, resolve } from 'node:path';
import { type OperatorRequest, operatorMessage, parseAddress, ServerClient, toHex } from '@alice/protocol';
import { Command } from 'commander';
import { DEFAULT_DIR, DEFAULT_SERVER_URL, openKey } from '../commands/common.js';
import { urlOption } from '../options.js';
import { CA_OPTION, hasRunTrusting } from '../process/trustedCa.js';
import { createProgress } from '../progressBar.js';
import { type StateFlags, stateOf, withStateOptions } from './serverFlags.js';

interface BanFlags {
  server: string;
  ca?: string;
  keyFile?: string;
  wallet: string;
  dir: string;
  reason: string;
  json?: boolean;
}

export function banCommand(action: 'ban' | 'unban'): Command {
  return new Command(action)
    .description(action === 'ban' ? 'exclude an address, at once' : 'let an excluded address in again')
    .argument('<address>', 'the address of a miner or scorer')
    .option('--reason <text>', 'what its owner is told', action === 'ban' ? 'excluded by the operator' : '')
    .option('--server <url>', 'any API node', urlOption('--server'), DEFAULT_SERVER_URL)
    .option(...CA_OPTION)
    .option('--dir <dir>', 'folder of the server, for its wallet', join(DEFAULT_DIR, 'server'))
    .option('--key-file <file>', 'keystore of the server: its key signs the order')
    .option('--wallet <name>', 'wallet below DIR/wallets, when there is no --key-file', 'server')
    .option('--json', 'print all bans as JSON')
    .action(async (address: string, _own: BanFlags, command: Command) => {
      const flags = command.optsWithGlobals<BanFlags>(); // what "alice server" has as well is parsed there
      if (await hasRunTrusting(flags.ca)) return;
      const walletDir = join(resolve(flags.dir), 'wallets');
      const key = await openKey({ keyFile: flags.keyFile, wallet: flags.wallet, walletDir });
      const client = new ServerClient({ url: flags.server, attempts: 3 });
      const { networkId, serverTimeMs } = await client.network();
      const words = { action, address: parseAddress(address), reason: flags.reason, atMs: serverTimeMs };
      const request: OperatorRequest = {
        ...words,
        signature: toHex(key.sign(operatorMessage(networkId, words))),
      };
      const { bans } = await client.call('operator', { body: request });
      if (flags.json) process.stdout.write(`${JSON.stringify({ bans })}\n`);
      else {
        process.stdout.write(`${bans.length} banned\n`);
        for (const ban of bans) process.stdout.write(`  ${ban.address}  ${ban.source}  ${ban.reason}\n`);
      }
    });
}

interface CopyFlags extends StateFlags {
  json?: boolean;
}

export function backupCommand(): Command {
  const command = new Command('backup')
    .description(
      'copy everything a server must not lose into a folder; again into the same folder copies what is new',
    )
    .argument('<folder>', 'where the backup goes: it holds the secret of the validation rows, keep it safe');
  return withStateOptions(command, join(DEFAULT_DIR, 'server'))
    .option('--json', 'print the summary as JSON')
    .addHelpText(
      'after',
      '\nAn embedded server is stopped first; one on PostgreSQL goes on running.\nEach server has a backup folder of its own: that of another one is left as it is.',
    )
    .action((folder: string, _own: CopyFlags, own: Command) =>
      copy('backUp', folder, own.optsWithGlobals<CopyFlags>()),
    );
}

export function restoreCommand(): Command {
  const command = new Command('restore')
    .description('make a server out of a backup, in an empty folder or database')
    .argument('<folder>', 'the backup');
  return withStateOptions(command, join(DEFAULT_DIR, 'server'))
    .option('--json', 'print the summary as JSON')
    .addHelpText(
      'after',
      '\nFrom one machine to many: back up the folder, then restore with --database and --blobs.',
    )
    .action((folder: string, _own: CopyFlags, own: Command) =>
      copy('restore', folder, own.optsWithGlobals<CopyFlags>()),
    );
}

async function copy(what: 'backUp' | 'restore', folder: string, flags: CopyFlags): Promise<void> {
  const server = await import('@alice/server');
  const progress = createProgress('copying blobs', { unit: 'blobs', quiet: flags.json ?? false });
  const state = { dir: resolve(flags.dir), ...stateOf(flags) };
  const summary = await server[what](state, resolve(folder), progress.update).finally(progress.stop);
  const { rows, blobs, blobsCopied, latestVersion } = summary;
  process.stdout.write(
    flags.json
      ? `${JSON.stringify(summary)}\n`
      : `version ${latestVersion ?? 'none'}: ${rows} rows, ${blobs} blobs (${blobsCopied} copied)\n`,
  );
}
