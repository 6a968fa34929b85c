/** @file `alice server`: the parameter server. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAddress } from '@alice/protocol';
import { Command } from 'commander';
import { createChainPort, waitForChain } from '../chain/chainPort.js';
import { createLogger } from '../logging.js';
import { choiceOption, integerOption, portOption, urlOption } from '../options.js';
import { createLifecycle } from '../process/lifecycle.js';
import { DEFAULT_CHAIN_URL, DEFAULT_DIR, type LogOptions, openKey, withLogOptions } from './common.js';
import { LOCAL_PRESETS } from './presets.js';

interface Flags extends LogOptions {
  dir: string;
  data: string;
  preset: string;
  seed: string;
  keyFile?: string;
  wallet: string;
  chain: string;
  host: string;
  port: number;
  epochSeconds: number;
  scorer: string[];
}

export function serverCommand(): Command {
  const command = new Command('server')
    .description('run a parameter server: give tasks, judge updates, publish versions, settle epochs')
    .option('--dir <dir>', 'where its state is kept', join(DEFAULT_DIR, 'server'))
    .option('--data <dir>', 'shards made by "alice data build"', join(DEFAULT_DIR, 'data'))
    .option(
      '--preset <name>',
      `model to train: ${LOCAL_PRESETS.join(', ')}`,
      choiceOption('--preset', LOCAL_PRESETS),
      'nano',
    )
    .option('--seed <text>', 'seed of the first weights and of the order of the data', 'alice')
    .option('--key-file <file>', 'keystore of the server')
    .option('--wallet <name>', 'wallet below DIR/wallets, when there is no --key-file', 'server')
    .option('--chain <url>', 'RPC address of a chain node', urlOption('--chain'), DEFAULT_CHAIN_URL)
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--port <port>', 'HTTP port for miners, scorers and the status page', portOption('--port'), 8420)
    .option(
      '--epoch-seconds <s>',
      'time between settlements',
      integerOption('--epoch-seconds', 5, 86_400),
      3600,
    )
    .option('--scorer <address...>', 'addresses that may score', []);
  return withLogOptions(command).action(async (flags: Flags) => {
    const lifecycle = createLifecycle();
    const log = createLogger('server', flags.log, flags.logLevel);
    const serverKey = await openKey({
      keyFile: flags.keyFile,
      wallet: flags.wallet,
      walletDir: join(resolve(flags.dir), 'wallets'),
    });
    await waitForChain(flags.chain, lifecycle.signal);
    const [{ resolveModel }, { startServer }, { networkSettings }, { tokenizerIdOf }] = await Promise.all([
      import('@alice/model'),
      import('@alice/server'),
      import('../settings/networkSettings.js'),
      import('../dataset/tokenizerOf.js'),
    ]);
    const model = resolveModel(flags.preset as (typeof LOCAL_PRESETS)[number]);
    const server = await startServer(
      {
        dir: resolve(flags.dir),
        dataDir: resolve(flags.data),
        host: flags.host,
        port: flags.port,
        serverKey,
        model,
        tokenizerId: tokenizerIdOf(flags.preset),
        seed: flags.seed,
        scorers: flags.scorer.map((address) => parseAddress(address)),
        ...networkSettings(model),
        epochMs: flags.epochSeconds * 1000,
        staticDir: pageDir(),
        pageChainWs: flags.chain.replace(/^http/, 'ws'),
      },
      { log, chain: createChainPort(flags.chain, serverKey) },
    );
    log.info('Parameter server is ready', { url: server.url });
    lifecycle.ready({ url: server.url });
    await lifecycle.stopped;
    await server.close();
  });
}

/** The built status page; the server says so at `/` when it was not built. */
function pageDir(): string | undefined {
  const dir = fileURLToPath(new URL('../../../web/dist/public', import.meta.url));
  return existsSync(dir) ? dir : undefined;
}
