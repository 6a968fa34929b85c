/** @file `alice up`: a whole network on this machine. */
import { resolve } from 'node:path';
import { Command } from 'commander';
import { createLogger } from '../logging.js';
import { BEGIN_ANEW_OPTION, choiceOption, integerOption, listenPortOption } from '../options.js';
import { createLifecycle } from '../process/lifecycle.js';
import { DEFAULT_EPOCH_SECONDS, DEFAULT_PRESET } from '../up/networkPlan.js';
import { DEFAULT_DIR } from './common.js';
import { NETWORK_PRESETS } from './presets.js';

interface Flags {
  miners: number;
  preset?: string;
  data?: string;
  skipInvalid?: boolean;
  epochs?: number;
  report?: string;
  dir: string;
  port?: number;
  rpcPort?: number;
  host: string;
  epochSeconds?: number;
  beginAnew?: number;
  json?: boolean;
}

export function upCommand(): Command {
  return new Command('up')
    .description('run a whole network on this machine: chain, parameter server, scorer, miners, status page')
    .option('--miners <n>', 'how many miners', integerOption('--miners', 1, 64), 2)
    .option(
      '--preset <name>',
      `model to train: ${NETWORK_PRESETS.join(', ')} (new networks: ${DEFAULT_PRESET})`,
      choiceOption('--preset', NETWORK_PRESETS),
    )
    .option(
      '--data <path>',
      'a .txt or .jsonl file or a folder of them (new networks: a built-in English corpus)',
    )
    .option(
      '--skip-invalid',
      'with --data: leave out what is not valid UTF-8 or not a document, instead of stopping',
    )
    .option(
      '--epochs <n>',
      'stop with exit code 0 once this many epochs have been settled',
      integerOption('--epochs', 1, 1_000_000),
    )
    .option('--report <file>', 'write a JSON report when stopping')
    .option('--dir <dir>', 'where the network is kept and resumed from', DEFAULT_DIR)
    .option(
      '--port <port>',
      'status page and parameter server (default: 8420 or the next free port)',
      listenPortOption('--port'),
    )
    .option(
      '--rpc-port <port>',
      'chain RPC (default: 9944 or the next free port)',
      listenPortOption('--rpc-port'),
    )
    .option(
      '--host <address>',
      'address to listen on: 0.0.0.0 or :: for all; other machines need a proxy that speaks https',
      '127.0.0.1',
    )
    .option(
      '--epoch-seconds <s>',
      `length of an epoch (new networks: ${DEFAULT_EPOCH_SECONDS})`,
      integerOption('--epoch-seconds', 5, 86_400),
    )
    .option(...BEGIN_ANEW_OPTION)
    .option('--json', 'print nothing but the report, as JSON')
    .addHelpText(
      'after',
      `
Everything runs as separate processes over the same HTTP a remote miner uses. Ctrl-C stops all of them;
the same command goes on where the network was.

Examples:
  alice up
  alice up --miners 3 --data ./books --dir ./books-network
  alice up --epochs 2 --report report.json`,
    )
    .action(async (flags: Flags) => {
      const lifecycle = createLifecycle();
      const { runNetwork } = await import('../up/runNetwork.js');
      const report = await runNetwork(
        {
          dir: resolve(flags.dir),
          request: {
            preset: flags.preset,
            data: flags.data,
            skipInvalid: flags.skipInvalid,
            epochSeconds: flags.epochSeconds,
          },
          minerCount: flags.miners,
          epochs: flags.epochs,
          report: flags.report,
          port: flags.port,
          rpcPort: flags.rpcPort,
          host: flags.host,
          beginAnew: flags.beginAnew,
          json: flags.json ?? false,
        },
        { log: createLogger('up', 'text'), signal: lifecycle.signal },
      );
      if (flags.json && report) process.stdout.write(`${JSON.stringify(report)}\n`);
    });
}
