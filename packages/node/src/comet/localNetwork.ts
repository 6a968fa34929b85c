/**
 * @file The files of a network whose validators all run on this machine: keys and a genesis made once, kept on disk, and
 * for every start the ports and the peers. It runs nothing.
 * Invariant: keys and genesis are written once; a second call for the same folder gives the same validators.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type HexString, toHex } from '@alice/protocol';
import type { ChainSpec } from '../chainSpec.js';
import type { CometProgram } from './CometProcess.js';
import { cometGenesis, cometNodeId, type GenesisValidator, initCometHome, validatorOf } from './cometHome.js';
import { freePorts } from './freePorts.js';

/** One validator of a local network, with everything a node is started with. */
export interface LocalValidator {
  readonly name: string;
  /** Blocks and state of the node. */
  readonly chainDir: string;
  readonly genesisFile: string;
  readonly program: CometProgram;
}

export interface LocalNetworkOptions {
  readonly bin: string;
  readonly dir: string;
  readonly count: number;
  /** The chain's specification, once the validators' keys are known. */
  readonly spec: (keys: readonly HexString[]) => ChainSpec;
}

/** Makes what is missing in `dir` and chooses free ports. Throws `COMET_FAILED`. */
export async function prepareLocalNetwork(options: LocalNetworkOptions): Promise<LocalValidator[]> {
  const { bin, dir, count, spec } = options;
  const names = Array.from({ length: count }, (_, i) => `v${i}`);
  const homes = names.map((name) => join(dir, name, 'comet'));
  for (const home of homes) await initCometHome({ bin, home });
  const genesisFile = join(dir, 'genesis.json');
  if (!existsSync(genesisFile)) {
    const validators = homes.map((home, i) => validatorOf(home, names[i]!));
    writeFileSync(genesisFile, cometGenesis(spec(validators.map(keyOf)), validators));
  }
  const ids = await Promise.all(homes.map((home) => cometNodeId({ bin, home })));
  const ports = await freePorts(2 * count);
  return homes.map((home, i) => {
    const chainDir = join(dir, names[i]!, 'chain');
    mkdirSync(chainDir, { recursive: true });
    const peers = ids.map((id, at) => `${id}@127.0.0.1:${ports[at]}`).filter((_, at) => at !== i);
    const program: CometProgram = {
      ...{ bin, home, persistentPeers: peers.join(',') },
      ...{ p2pAddress: `tcp://127.0.0.1:${ports[i]}`, rpcAddress: `tcp://127.0.0.1:${ports[count + i]}` },
    };
    return { name: names[i]!, chainDir, genesisFile, program };
  });
}

const keyOf = ({ publicKey }: GenesisValidator): HexString =>
  toHex(new Uint8Array(Buffer.from(publicKey, 'base64')));

/** How many validators the network in a folder was made with; `undefined` when there is none. */
export function localNetworkSize(dir: string): number | undefined {
  const genesisFile = join(dir, 'genesis.json');
  if (!existsSync(genesisFile)) return undefined;
  const { validators } = JSON.parse(readFileSync(genesisFile, 'utf8')) as { validators: readonly unknown[] };
  return validators.length;
}
