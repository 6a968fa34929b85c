/** @file `alice testnet`: several validators on this machine. */
import { resolve } from 'node:path';
import { Command } from 'commander';
import { createLogger } from '../logging.js';
import { integerOption, portOption } from '../options.js';
import { createLifecycle } from '../process/lifecycle.js';

interface Flags {
  validators?: number;
  dir: string;
  blockMs: number;
  rpcPort: number;
  cometbftBin?: string;
  blocks?: number;
  json?: boolean;
}

export function testnetCommand(): Command {
  return new Command('testnet')
    .description(
      'run a chain with several validators (CometBFT) on this machine, to try out what a network does',
    )
    .option(
      '--validators <n>',
      'how many validators (new networks: 4, which bear one that fails or lies)',
      integerOption('--validators', 1, 16),
    )
    .option('--dir <dir>', 'where the network is kept and resumed from', '.alice-testnet')
    .option('--block-ms <ms>', 'time between blocks', integerOption('--block-ms', 100, 600_000), 1000)
    .option('--rpc-port <port>', 'first RPC port to try; one per validator', portOption('--rpc-port'), 9944)
    .option('--cometbft-bin <path>', 'the cometbft program (default: ALICE_COMETBFT, else the one in PATH)')
    .option(
      '--blocks <n>',
      'stop with exit code 0 once every validator has this block',
      integerOption('--blocks', 1, 1_000_000_000),
    )
    .option('--json', 'print JSON lines: "ready" with addresses and process ids, then "heights" every second')
    .addHelpText(
      'after',
      `
Every validator is a process of its own with its own CometBFT, and serves the same JSON-RPC as "alice node".
Kill one and the others go on; kill two of four and the chain stands still until one is back. Nothing is lost.
All ports are on this machine only.

The program: go install github.com/cometbft/cometbft/cmd/cometbft@v0.39.4
             export ALICE_COMETBFT="$(go env GOPATH)/bin/cometbft"

Examples:
  alice testnet
  alice testnet --validators 7 --dir ./seven --block-ms 500
  alice testnet --blocks 20 --json       for scripts: ends after block 20`,
    )
    .action(async (flags: Flags) => {
      const lifecycle = createLifecycle();
      const { runTestnet } = await import('../testnet/runTestnet.js');
      await runTestnet(
        {
          request: {
            dir: resolve(flags.dir),
            bin: flags.cometbftBin ?? process.env['ALICE_COMETBFT'] ?? 'cometbft',
            validators: flags.validators,
            blockMs: flags.blockMs,
            rpcPort: flags.rpcPort,
          },
          blocks: flags.blocks,
          json: flags.json ?? false,
        },
        { log: createLogger('testnet', 'text'), signal: lifecycle.signal },
      );
    });
}
