/**
 * @file CometBFT's own directory: keys, genesis and settings, made by `cometbft init` and then adapted to this chain.
 * Keys are never read except the public half; an existing home is kept and only its settings are brought up to date.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { messageOf } from '@alice/protocol';
import type { ChainSpec } from '../chainSpec.js';
import { NodeError } from '../errors.js';
import { MOST_BLOCK_BYTES } from './CometEngine.js';
import { cometChainId } from './cometChainId.js';

const run = promisify(execFile);

/** A validator as CometBFT's genesis lists it. */
export interface GenesisValidator {
  /** Base64 of the ed25519 key. */
  readonly publicKey: string;
  readonly power: number;
  readonly name: string;
}

export interface CometHomeOptions {
  readonly bin: string;
  readonly home: string;
}

/** Makes keys and default files where there are none. Throws `COMET_FAILED`. */
export async function initCometHome({ bin, home }: CometHomeOptions): Promise<void> {
  if (existsSync(join(home, 'config', 'priv_validator_key.json'))) return;
  mkdirSync(home, { recursive: true });
  await cometbft(bin, ['init', '--home', home]);
}

/** The name by which peers dial this node: `id@host:port` without the part after `@`. Throws `COMET_FAILED`. */
export async function cometNodeId({ bin, home }: CometHomeOptions): Promise<string> {
  return (await cometbft(bin, ['show-node-id', '--home', home])).trim();
}

/** The validator whose key is in this home. */
export function validatorOf(home: string, name: string): GenesisValidator {
  const file = JSON.parse(readFileSync(join(home, 'config', 'priv_validator_key.json'), 'utf8')) as {
    pub_key: { value: string };
  };
  return { publicKey: file.pub_key.value, power: 10, name };
}

/** The genesis of this chain for CometBFT: equal specifications and validators give equal texts. */
export function cometGenesis(spec: ChainSpec, validators: readonly GenesisValidator[]): string {
  const genesis = {
    genesis_time: new Date(spec.timestampMs + 1).toISOString(),
    chain_id: cometChainId(spec),
    initial_height: '1',
    consensus_params: {
      block: { max_bytes: String(MOST_BLOCK_BYTES + 2 ** 20), max_gas: '-1' },
      evidence: { max_age_num_blocks: '100000', max_age_duration: '172800000000000', max_bytes: '1048576' },
      validator: { pub_key_types: ['ed25519'] },
      version: { app: '0' },
      abci: { vote_extensions_enable_height: '0' },
    },
    validators: validators.map(({ publicKey, power, name }) => ({
      pub_key: { type: 'tendermint/PubKeyEd25519', value: publicKey },
      power: String(power),
      name,
    })),
    app_hash: '',
  };
  return `${JSON.stringify(genesis, null, 2)}\n`;
}

/** Writes the genesis of this chain. Throws `COMET_GENESIS` when the home belongs to another chain already. */
export function writeCometGenesis(home: string, genesis: string): void {
  const file = join(home, 'config', 'genesis.json');
  const { chain_id: expected } = JSON.parse(genesis) as { chain_id: string };
  const isUsed = existsSync(join(home, 'data', 'blockstore.db'));
  const { chain_id: chainId } = JSON.parse(readFileSync(file, 'utf8')) as { chain_id: string };
  if (isUsed && chainId !== expected)
    throw new NodeError(
      { code: 'COMET_GENESIS', chainId, expected },
      `${home} holds CometBFT data of "${chainId}", this chain is "${expected}": use another --cometbft-home`,
    );
  if (!isUsed) writeFileSync(file, genesis);
}

/** Settings that differ from CometBFT's defaults. */
export function writeCometSettings(home: string, { blockTimeMs }: { blockTimeMs: number }): void {
  const file = join(home, 'config', 'config.toml');
  const settings: readonly (readonly [section: string, key: string, value: string])[] = [
    ['consensus', 'timeout_commit', `"${blockTimeMs}ms"`],
    ['mempool', 'size', '20000'],
    ['mempool', 'cache_size', '40000'],
    // Validators on one machine or in one private network: their addresses are not public ones.
    ['p2p', 'addr_book_strict', 'false'],
    ['p2p', 'allow_duplicate_ip', 'true'],
    ['rpc', 'max_request_batch_size', '200'],
  ];
  let text = readFileSync(file, 'utf8');
  for (const [section, key, value] of settings) text = withSetting(text, `[${section}]`, `${key} = ${value}`);
  writeFileSync(file, text);
}

/** Whom a new node asks for the chain's state, and which block it trusts to check their answers. */
export interface StateSyncChoice {
  /** CometBFT RPC of two nodes or more, `http://host:port`. */
  readonly rpcUrls: readonly string[];
  /** A height of the last week, and CometBFT's block hash there (hex), from someone who is trusted. */
  readonly trustHeight: number;
  readonly trustHash: string;
}

/** State sync is CometBFT's to start, and it starts it only where there is no block yet. */
export function writeStateSyncSettings(home: string, choice: StateSyncChoice | undefined): void {
  const settings = choice
    ? [
        'enable = true',
        `rpc_servers = "${choice.rpcUrls.join(',')}"`,
        `trust_height = ${choice.trustHeight}`,
        `trust_hash = "${choice.trustHash}"`,
        'discovery_time = "5s"',
        'chunk_request_timeout = "10s"',
      ]
    : ['enable = false'];
  const file = join(home, 'config', 'config.toml');
  let text = readFileSync(file, 'utf8');
  for (const line of settings) text = withSetting(text, '[statesync]', line);
  writeFileSync(file, text);
}

/** TOML with one `key = value` of a section replaced, or added as its first line. */
export function withSetting(toml: string, section: string, line: string): string {
  const lines = toml.split('\n');
  const key = line.slice(0, line.indexOf('='));
  const start = lines.indexOf(section);
  if (start < 0) return `${toml}\n${section}\n${line}\n`;
  const end = lines.findIndex((text, i) => i > start && text.startsWith('['));
  const at = lines.findIndex((text, i) => i > start && (end < 0 || i < end) && text.startsWith(key));
  if (at < 0) lines.splice(start + 1, 0, line);
  else lines[at] = line;
  return lines.join('\n');
}

async function cometbft(bin: string, args: readonly string[]): Promise<string> {
  try {
    const { stdout } = await run(bin, args, { timeout: 30_000 });
    return stdout;
  } catch (error) {
    throw new NodeError(
      { code: 'COMET_FAILED', reason: messageOf(error) },
      `cannot run ${bin} ${args[0]}: ${messageOf(error)}. Give the program with --cometbft-bin or ALICE_COMETBFT`,
      { cause: error },
    );
  }
}
