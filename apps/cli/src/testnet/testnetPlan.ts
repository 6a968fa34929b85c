/**
 * @file What a local network of validators is made of: a chain specification with funded development accounts and bonded
 * validators, written once, and one `alice node` per validator with ports of its own. It starts nothing.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ChainSpec, type LocalValidator, localNetworkSize, prepareLocalNetwork } from '@alice/node';
import { type HexString, keyPairFromSecret, messageOf, PLANCK_PER_ALICE } from '@alice/protocol';
import { CliError } from '../errors.js';
import { choosePort } from '../process/freePort.js';
import type { ChildPlan } from '../process/supervisor.js';

/** Keys that everybody knows; wallets offer them for development. Their coins exist in this network only. */
export const FUNDED = ['//Alice', '//Bob', '//Charlie', '//Dave'] as const;
const FUNDS_EACH = 1000n * PLANCK_PER_ALICE;
const STAKE_EACH = 10_000n * PLANCK_PER_ALICE;

export interface TestnetRequest {
  readonly dir: string;
  readonly bin: string;
  /** `undefined`: as many as the folder has, four in a new one. */
  readonly validators: number | undefined;
  readonly blockMs: number;
  /** First RPC port to try. */
  readonly rpcPort: number;
}

export interface PlannedValidator {
  readonly name: string;
  readonly rpcPort: number;
  readonly plan: ChildPlan;
}

const DEFAULT_VALIDATORS = 4;

/** Needs `initCrypto`. Throws `DIR_MISMATCH`, `DIR_UNUSABLE`, `PORT_BUSY`, `COMET_FAILED`. */
export async function planTestnet(request: TestnetRequest): Promise<PlannedValidator[]> {
  const { dir, bin, blockMs } = request;
  const existing = localNetworkSize(dir);
  const count = request.validators ?? existing ?? DEFAULT_VALIDATORS;
  if (existing !== undefined && existing !== count)
    throw new CliError(
      { code: 'DIR_MISMATCH', dir },
      `${dir} holds a network of ${existing} validators, not ${count}: leave --validators out, or choose another --dir`,
    );
  const specFile = join(dir, 'chain-spec.json');
  const spec = (keys: readonly HexString[]): ChainSpec => writeSpec(dir, specFile, newSpec(keys));
  const validators = await prepareLocalNetwork({ bin, dir, count, spec });
  const rpcPorts = await chooseRpcPorts(dir, { count, first: request.rpcPort });
  return validators.map((validator, i) => ({
    name: validator.name,
    rpcPort: rpcPorts[i]!,
    plan: { name: validator.name, args: argumentsOf(validator, { specFile, blockMs, port: rpcPorts[i]! }) },
  }));
}

function argumentsOf(
  { chainDir, genesisFile, program }: LocalValidator,
  { specFile, blockMs, port }: { specFile: string; blockMs: number; port: number },
): string[] {
  return [
    ...['node', '--engine', 'cometbft', '--spec', specFile, '--dir', chainDir, '--port', String(port)],
    ...['--block-ms', String(blockMs), '--cometbft-bin', program.bin, '--cometbft-home', program.home],
    ...['--cometbft-genesis', genesisFile, '--cometbft-listen', program.rpcAddress],
    ...['--p2p', program.p2pAddress, '--peers', program.persistentPeers ?? '', '--log', 'json'],
  ];
}

function writeSpec(dir: string, file: string, spec: ChainSpec): ChainSpec {
  try {
    writeFileSync(file, `${JSON.stringify(spec, null, 2)}\n`);
    return spec;
  } catch (error) {
    throw new CliError(
      { code: 'DIR_UNUSABLE', dir },
      `cannot use ${file}: ${messageOf(error)}. Choose another folder with --dir`,
    );
  }
}

/** Every validator has its own bonded account, `//Validator//0` and so on; //Alice is root until she gives it up. */
function newSpec(keys: readonly HexString[]): ChainSpec {
  const addresses = FUNDED.map((secret) => keyPairFromSecret(secret).address);
  const bonded = keys.map((_, i) => keyPairFromSecret(`//Validator//${i}`).address);
  const funded = addresses.map((address) => ({ address, planck: FUNDS_EACH }));
  const stakes = bonded.map((address) => ({ address, planck: STAKE_EACH + PLANCK_PER_ALICE }));
  return {
    chainName: 'Alice Testnet',
    timestampMs: Date.now(),
    balances: [...funded, ...stakes].map(({ address, planck }) => ({ address, planck: planck.toString() })),
    parameterServer: addresses[1]!,
    feeCollector: addresses[2]!,
    validators: bonded.map((address, i) => ({
      address,
      consensusKey: keys[i]!,
      stakePlanck: STAKE_EACH.toString(),
    })),
    sudo: addresses[0]!,
  };
}

/** The ports of the last run where they are free, so that wallets find the network again; else the next free ones. */
async function chooseRpcPorts(
  dir: string,
  { count, first }: { count: number; first: number },
): Promise<number[]> {
  const file = join(dir, 'ports.json');
  const before = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as number[]) : [];
  const ports: number[] = [];
  for (let i = 0; i < count; i++) {
    const preferred = before[i] ?? first + i;
    ports.push(await choosePort({ asked: undefined, preferred, taken: ports, option: '--rpc-port' }));
  }
  writeFileSync(file, JSON.stringify(ports));
  return ports;
}
