/** @file `alice server`: the parameter server. */
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAddress } from '@alice/protocol';
import { Command } from 'commander';
import { createChainPort, waitForChain } from '../chain/chainPort.js';
import { createLogger } from '../logging.js';
import { BEGIN_ANEW_OPTION, choiceOption, integerOption, listenPortOption, urlOption } from '../options.js';
import { createLifecycle } from '../process/lifecycle.js';
import { hasRunTrusting } from '../process/trustedCa.js';
import { backupCommand, banCommand, restoreCommand } from '../server/operatorCommands.js';
import {
  certificateOf,
  endingSoon,
  type NodeFlags,
  stateOf,
  tlsOf,
  withNodeOptions,
  withStateOptions,
} from '../server/serverFlags.js';
import {
  AGGREGATION_RULES,
  TRAINING_PROTOCOLS,
  type TrainingProtocol,
} from '../settings/trainingProtocols.js';
import { DEFAULT_CHAIN_URL, DEFAULT_DIR, type LogOptions, openKey, withLogOptions } from './common.js';
import { NETWORK_PRESETS } from './presets.js';

interface Flags extends LogOptions, NodeFlags {
  data: string;
  preset: string;
  protocol?: TrainingProtocol;
  aggregation?: (typeof AGGREGATION_RULES)[number];
  seed: string;
  keyFile?: string;
  wallet: string;
  chain: string;
  host: string;
  port: number;
  epochSeconds: number;
  scorer: string[];
  inference?: string;
  beginAnew?: number;
  region: string[];
  upstream?: string;
}

export function serverCommand(): Command {
  const described = new Command('server').description(
    'run a parameter server: give tasks, judge updates, publish versions, settle epochs',
  );
  const command = withStateOptions(described, join(DEFAULT_DIR, 'server'))
    .option('--data <dir>', 'shards made by "alice data build"', join(DEFAULT_DIR, 'data'))
    .option(
      '--preset <name>',
      `model to train: ${NETWORK_PRESETS.join(', ')}`,
      choiceOption('--preset', NETWORK_PRESETS),
      'nano',
    )
    .option(
      '--protocol <name>',
      'how it is trained: alice (1b and 7b: layerwise, one layer at a time), or the literal scheme of the whitepaper',
      choiceOption('--protocol', TRAINING_PROTOCOLS),
    )
    .option(
      '--aggregation <rule>',
      'from now on aggregate by this rule; a network keeps the one it began with',
      choiceOption('--aggregation', AGGREGATION_RULES),
    )
    .option('--seed <text>', 'seed of the first weights and of the order of the data', 'alice')
    .option('--key-file <file>', 'keystore of the server')
    .option('--wallet <name>', 'wallet below DIR/wallets, when there is no --key-file', 'server')
    .option('--chain <url>', 'RPC address of a chain node', urlOption('--chain'), DEFAULT_CHAIN_URL)
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option(
      '--port <port>',
      'HTTP port for miners, scorers and the status page (0: any free one)',
      listenPortOption('--port'),
      8420,
    )
    .option(
      '--epoch-seconds <s>',
      'time between settlements',
      integerOption('--epoch-seconds', 5, 86_400),
      3600,
    )
    .option(...BEGIN_ANEW_OPTION)
    .option('--scorer <address...>', 'addresses that may score', [])
    .option('--region <address...>', 'regional servers that may contribute for their miners', [])
    .option(
      '--upstream <url>',
      'be a regional server of that one: its model, its rounds; miners here are paid through it',
      urlOption('--upstream'),
    )
    .option(
      '--inference <url>',
      'an endpoint of "alice serve" that the status page talks to the model through',
      urlOption('--inference'),
    );
  withNodeOptions(command).addHelpText('after', MANY_NODES);
  for (const operator of [banCommand('ban'), banCommand('unban'), backupCommand(), restoreCommand()])
    command.addCommand(operator);
  return withLogOptions(command).action(async (flags: Flags) => {
    const tls = tlsOf(flags);
    const isOwnClient = flags.roles.includes('scorer') && flags.api === undefined;
    if (isOwnClient && (await hasRunTrusting(certificateOf(flags)))) return;
    const lifecycle = createLifecycle();
    const log = createLogger('server', flags.log, flags.logLevel);
    const ending = tls && endingSoon(tls);
    if (ending) log.warn('The certificate ends soon: renew it and start again', ending);
    const serverKey = await openKey({
      keyFile: flags.keyFile,
      wallet: flags.wallet,
      walletDir: join(resolve(flags.dir), 'wallets'),
    });
    await waitForChain(flags.chain, lifecycle.signal);
    const [{ resolveModel }, { startServer, runScorer }, { networkSettings }, { tokenizerIdOf }] =
      await Promise.all([
        import('@alice/model'),
        import('@alice/server'),
        import('../settings/networkSettings.js'),
        import('../dataset/tokenizerOf.js'),
      ]);
    const model = resolveModel(flags.preset as (typeof NETWORK_PRESETS)[number]);
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
        scorers: [
          ...flags.scorer.map((address) => parseAddress(address)),
          ...(flags.roles.includes('scorer') ? [serverKey.address] : []),
        ],
        regions: flags.region.map((address) => parseAddress(address)),
        upstream: flags.upstream === undefined ? undefined : { url: flags.upstream },
        ...stateOf(flags),
        beginAnew: flags.beginAnew,
        roles: flags.roles.filter((role) => role !== 'scorer'),
        node: flags.node,
        tls,
        trustProxy: flags.behindProxy,
        drainMs: flags.drainSeconds * 1000,
        blobQuotaBytes: flags.blobQuotaGb && flags.blobQuotaGb * 1e9,
        maxDownloadBytesPerSecond: flags.maxDownloadMbps && flags.maxDownloadMbps * BYTES_PER_MEGABIT,
        metricsToken: process.env['ALICE_METRICS_TOKEN'],
        ...networkSettings(model, flags.protocol),
        changeAggregation: flags.aggregation,
        epochMs: flags.epochSeconds * 1000,
        staticDir: pageDir(),
        pageChainWs: flags.chain.replace(/^http/, 'ws'),
        inferenceUrl: flags.inference,
      },
      { log, chain: createChainPort(flags.chain, serverKey), signal: lifecycle.signal },
    ).catch((error: unknown) => {
      if (!lifecycle.signal.aborted) throw error;
      log.info('Stopped before it was ready');
    });
    if (!server) return;
    log.info('Parameter server is ready', { url: server.url });
    lifecycle.ready({ url: server.url });
    const scoring = flags.roles.includes('scorer')
      ? runScorer(
          {
            serverUrl: flags.api ?? server.url,
            key: serverKey,
            instance: 'server',
            dir: join(resolve(flags.dir), 'scorer'),
            threads: Math.max(1, availableParallelism() - 1),
          },
          { log, signal: lifecycle.signal },
        )
      : undefined;
    await lifecycle.stopped;
    await scoring?.catch(() => undefined);
    await server.close();
  });
}

const BYTES_PER_MEGABIT = 125_000;

const MANY_NODES = `
One machine:   alice server
Many nodes:    export ALICE_DATABASE_URL=postgres://alice:…@db/alice AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=…
               alice server --roles api --blobs 's3://alice?endpoint=https://s3.example' --host 0.0.0.0 …
               alice server --roles aggregator,epochs --blobs …     (two of these: one leads, one stands by)
               alice scorer --server https://api.example             (as many as are needed)
A region:      alice server --region REGION_ADDRESS …                (at the upstream)
               alice server --upstream https://alice.example …       (at the region, with the key of that address)`;

/** The built status page; the server says so at `/` when it was not built. */
function pageDir(): string | undefined {
  const dir = fileURLToPath(new URL('../../../web/dist/public', import.meta.url));
  return existsSync(dir) ? dir : undefined;
}
