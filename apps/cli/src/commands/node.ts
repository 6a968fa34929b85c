/** @file `alice node`: the chain. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { CometProgram, GenesisValidator, NodeOptions, StateSyncChoice } from '@alice/node';
import { initCrypto, messageOf, parseAddress } from '@alice/protocol';
import { Command, Option } from 'commander';
import { CliError } from '../errors.js';
import { createLogger } from '../logging.js';
import { integerOption, listenPortOption } from '../options.js';
import { createLifecycle } from '../process/lifecycle.js';
import { DEFAULT_DIR, type LogOptions, withLogOptions } from './common.js';
import { stateCommands } from './nodeState.js';
import { readSpec } from './readSpec.js';

/** Where a node that runs CometBFT itself finds it: only this machine talks to that port, so any free one does. */
const COMET_RPC = 'tcp://127.0.0.1:0';

interface Flags extends LogOptions {
  dir: string;
  spec: string;
  port: number;
  host: string;
  blockMs: number;
  archive: boolean;
  explorerBlocks: number;
  engine: 'solo' | 'cometbft';
  abci?: string;
  cometbftRpc?: string;
  cometbftBin?: string;
  cometbftHome: string;
  cometbftGenesis?: string;
  cometbftListen: string;
  snapshotEvery: number;
  stateSync?: string;
  trust?: string;
  p2p: string;
  peers?: string;
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
    .option(
      '--port <port>',
      'JSON-RPC over HTTP and WebSocket (0: any free port)',
      listenPortOption('--port'),
      9944,
    )
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--block-ms <ms>', 'time between blocks', integerOption('--block-ms', 100, 600_000), 3000)
    .option(
      '--explorer-blocks <n>',
      'blocks whose events and account histories can be asked for (0: none)',
      integerOption('--explorer-blocks', 0, 1_000_000_000),
      100_000,
    )
    .option('--archive', 'keep the state of every block, not only of the last 4096', false)
    .addOption(
      new Option('--engine <engine>', 'who decides blocks: this node alone, or validators on CometBFT')
        .choices(['solo', 'cometbft'])
        .default('solo'),
    )
    .option('--abci <address>', 'where CometBFT connects (unix:///path or tcp://host:port)')
    .option('--cometbft-rpc <url>', 'RPC of a CometBFT that you run yourself, to spread transactions')
    .option('--cometbft-bin <path>', 'cometbft program for this node to run (default: ALICE_COMETBFT)')
    .option('--cometbft-home <dir>', "CometBFT's keys and blocks", join(DEFAULT_DIR, 'cometbft'))
    .option('--cometbft-genesis <file>', "CometBFT's genesis of a chain with several validators")
    .option(
      '--cometbft-listen <address>',
      'where the CometBFT run by this node serves its own RPC; port 0 takes a free one',
      COMET_RPC,
    )
    .option(
      '--snapshot-every <blocks>',
      'blocks from one snapshot of the state to the next, for new nodes to start from (0: none)',
      integerOption('--snapshot-every', 0, 1_000_000_000),
      1000,
    )
    .option(
      '--state-sync <urls>',
      'a new node takes the state from other nodes instead of executing all blocks: CometBFT RPC of two of them, url,url',
    )
    .option(
      '--trust <height:hash>',
      "with --state-sync: a block of the last week and CometBFT's hash of it, from someone you trust",
    )
    .option('--p2p <address>', 'where other validators reach this one', 'tcp://0.0.0.0:26656')
    .option('--peers <list>', 'validators to stay connected with: id@host:port,…');
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
      ...(flags.archive ? { keepStates: Number.POSITIVE_INFINITY } : {}),
      explorerBlocks: flags.explorerBlocks,
      engine: engineOf(flags),
      onFatal: (error) => {
        log.error('The chain cannot go on; the node stops', { error: messageOf(error) });
        process.exitCode = 1;
        process.kill(process.pid, 'SIGTERM');
      },
      log,
    });
    log.info('Chain node is ready', { url: node.url, genesisHash: node.genesisHash });
    const { genesisHash, cometRpcUrl } = node;
    lifecycle.ready({
      url: node.url,
      facts: { genesisHash, ...(cometRpcUrl === undefined ? {} : { cometRpcUrl }) },
    });
    await lifecycle.stopped;
    await node.close();
  });
  command.addCommand(specCommand());
  command.addCommand(validatorCommand());
  command.addCommand(cometGenesisCommand());
  for (const more of stateCommands()) command.addCommand(more);
  return command;
}

function engineOf(flags: Flags): NonNullable<NodeOptions['engine']> {
  if (flags.engine === 'solo') return { kind: 'solo' };
  const bin = flags.cometbftBin ?? process.env['ALICE_COMETBFT'];
  const { abci, cometbftRpc, cometbftGenesis } = flags;
  return {
    kind: 'cometbft',
    ...(abci === undefined ? {} : { abciAddress: abci }),
    ...(cometbftRpc === undefined ? {} : { rpcUrl: cometbftRpc }),
    ...(cometbftGenesis === undefined ? {} : { genesisFile: resolve(cometbftGenesis) }),
    snapshotEveryBlocks: flags.snapshotEvery,
    ...stateSyncOf(flags),
    ...(bin === undefined ? {} : { program: programOf(bin, flags) }),
  };
}

/** Both options or none. Throws `OPTION_INVALID`. */
function stateSyncOf({ stateSync, trust }: Flags): { stateSync?: StateSyncChoice } {
  if (stateSync === undefined && trust === undefined) return {};
  const [height, hash] = (trust ?? '').split(':');
  const rpcUrls = (stateSync ?? '').split(',').map((url) => url.trim());
  if (!/^\d+$/.test(height ?? '') || !/^[0-9a-fA-F]{64}$/.test(hash ?? ''))
    throw new CliError(
      { code: 'OPTION_INVALID', option: '--trust' },
      '--state-sync needs --trust HEIGHT:HASH: ask a validator you trust for the "hash" that http://HOST:26657/commit?height=HEIGHT prints under block_id',
    );
  if (rpcUrls.length < 2 || rpcUrls.some((url) => !/^https?:\/\//.test(url)))
    throw new CliError(
      { code: 'OPTION_INVALID', option: '--state-sync' },
      '--state-sync takes the CometBFT RPC of two nodes or more, such as http://one:26657,http://two:26657',
    );
  return { stateSync: { rpcUrls, trustHeight: Number(height), trustHash: hash! } };
}

function programOf(bin: string, { cometbftHome, p2p, cometbftListen, peers }: Flags): CometProgram {
  const program = { bin, home: resolve(cometbftHome), p2pAddress: p2p, rpcAddress: cometbftListen };
  return peers === undefined ? program : { ...program, persistentPeers: peers };
}

/** Makes a validator's keys; prints what the others need of it. */
function validatorCommand(): Command {
  return new Command('validator')
    .description(
      'make the CometBFT keys in --cometbft-home and print what the other validators need of them for "comet-genesis"',
    )
    .option('--name <name>', 'what the validator is called', 'validator')
    .action(async (_own: unknown, command: Command) => {
      const flags = command.optsWithGlobals<Flags & { name: string }>(); // the options of `alice node` hold here too
      const { cometNodeId, initCometHome, validatorOf } = await import('@alice/node');
      const bin = flags.cometbftBin ?? process.env['ALICE_COMETBFT'] ?? 'cometbft';
      const home = resolve(flags.cometbftHome);
      await initCometHome({ bin, home });
      const nodeId = await cometNodeId({ bin, home });
      process.stdout.write(`${JSON.stringify({ ...validatorOf(home, flags.name), nodeId })}\n`);
    });
}

/** Puts the lines of all validators together; every one of them starts with the same file. */
function cometGenesisCommand(): Command {
  return new Command('comet-genesis')
    .description("print CometBFT's genesis for the chain of --spec and its first validators")
    .argument('<validators...>', 'files with what "alice node validator" printed')
    .action(async (files: string[], _own: unknown, command: Command) => {
      const flags = command.optsWithGlobals<Flags>();
      await initCrypto();
      const { cometGenesis, parseChainSpec } = await import('@alice/node');
      const validators = files.map((file) => JSON.parse(readFileSync(file, 'utf8')) as GenesisValidator);
      process.stdout.write(cometGenesis(parseChainSpec(readSpec(flags.spec)), validators));
    });
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
