/** @file `alice node`: the chain. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { initCrypto, messageOf, parseAddress } from '@alice/protocol';
import { Command } from 'commander';
import { CliError } from '../errors.js';
import { createLogger } from '../logging.js';
import { integerOption, portOption } from '../options.js';
import { createLifecycle } from '../process/lifecycle.js';
import { DEFAULT_DIR, type LogOptions, withLogOptions } from './common.js';

interface Flags extends LogOptions {
  dir: string;
  spec: string;
  port: number;
  host: string;
  blockMs: number;
}

export function nodeCommand(): Command {
  const command = new Command('node')
    .description('run the chain: blocks, balances, epochs, Substrate-compatible JSON-RPC')
    .option(
      '--spec <file>',
      'chain specification ("alice node spec" writes one)',
      join(DEFAULT_DIR, 'chain-spec.json'),
    )
    .option('--dir <dir>', 'where blocks and state are kept', join(DEFAULT_DIR, 'chain'))
    .option('--port <port>', 'JSON-RPC over HTTP and WebSocket', portOption('--port'), 9944)
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--block-ms <ms>', 'time between blocks', integerOption('--block-ms', 100, 600_000), 3000);
  withLogOptions(command).action(async (flags: Flags) => {
    const lifecycle = createLifecycle();
    await initCrypto();
    const log = createLogger('node', flags.log, flags.logLevel);
    const { parseChainSpec, startNode } = await import('@alice/node');
    const node = await startNode({
      dir: resolve(flags.dir),
      spec: parseChainSpec(readSpec(flags.spec)),
      port: flags.port,
      host: flags.host,
      blockTimeMs: flags.blockMs,
      log,
    });
    log.info('Chain node is ready', { url: node.url, genesisHash: node.genesisHash });
    lifecycle.ready({ url: node.url, facts: { genesisHash: node.genesisHash } });
    await lifecycle.stopped;
    await node.close();
  });
  command.addCommand(specCommand());
  return command;
}

function readSpec(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new CliError(
      { code: 'OPTION_INVALID', option: '--spec' },
      `cannot read the chain specification ${path}: ${messageOf(error)}. "alice node spec --parameter-server ADDRESS" prints one`,
    );
  }
}

function specCommand(): Command {
  return new Command('spec')
    .description('print a chain specification for a new chain')
    .requiredOption('--parameter-server <address>', 'the account whose epoch reports are accepted')
    .option('--name <name>', 'name of the chain', 'Alice Local')
    .option(
      '--fee-planck <planck>',
      'genesis balance of the parameter server, for fees only',
      '1000000000000',
    )
    .action(async (flags: { parameterServer: string; name: string; feePlanck: string }) => {
      await initCrypto();
      const { parseChainSpec } = await import('@alice/node');
      const address = parseAddress(flags.parameterServer);
      const spec = {
        chainName: flags.name,
        timestampMs: Date.now(),
        balances: [{ address, planck: flags.feePlanck }],
        parameterServer: address,
        feeCollector: address,
      };
      parseChainSpec(spec);
      process.stdout.write(`${JSON.stringify(spec, null, 2)}\n`);
    });
}
