/**
 * @file A real double signer: two processes run with one validator's key, so sooner or later both sign different blocks
 * of one height. The others prove it, the validator loses its seat and part of its stake, and the chain goes on without
 * it. Skipped where no `cometbft` program is found.
 */
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type HexString, initCrypto, keyPairFromSecret, toHex } from '@alice/protocol';
import { NetworkNode } from '../testing/CometNetwork.js';
import { assertOneChain, pause, reach } from '../testing/networkClient.js';
import { scratchDirectory } from '../testing/scratchChain.js';
import { STAKE, stakedSpec, validatorSecret } from '../testing/stakedSpec.js';
import { initCometHome } from './cometHome.js';
import { findCometbft } from './findCometbft.js';
import { freePorts } from './freePorts.js';
import { prepareLocalNetwork } from './localNetwork.js';

const bin = findCometbft();
const options = bin
  ? {}
  : { skip: 'no cometbft program: give its path in ALICE_COMETBFT, or put it into PATH' };
let nodes: NetworkNode[] = [];

before(initCrypto);
after(async () => {
  await Promise.all(nodes.map((node) => node.kill()));
});

const SYSTEM_ACCOUNT = '0x26aa394eea5630e07c48ae0c9558cef7b99d880ec681799c0cf30e8886371da9';

/** What an account has at stake: the reserved balance of its `System.Account` entry. */
async function stakeOf(node: NetworkNode, secret: string): Promise<bigint> {
  const account = toHex(keyPairFromSecret(secret).publicKey).slice(2);
  const keys = await node.ask<HexString[]>('state_getKeysPaged', SYSTEM_ACCOUNT, 1000);
  const value = await node.ask<HexString>(
    'state_getStorage',
    keys.find((key) => key.endsWith(account)),
  );
  const bytes = Buffer.from(value.slice(2), 'hex');
  return bytes.readBigUInt64LE(32) | (bytes.readBigUInt64LE(40) << 64n);
}

test('a validator whose key signs two blocks of one height loses seat and stake', options, async () => {
  const dir = scratchDirectory();
  let spec: ReturnType<typeof stakedSpec> | undefined;
  const validators = await prepareLocalNetwork({
    ...{ bin: bin!, dir, count: 4 },
    spec: (keys) => (spec = stakedSpec(keys)),
  });
  const given = { ...(spec ? { spec } : {}) };
  nodes = validators.map(
    ({ chainDir, program, genesisFile }) =>
      new NetworkNode({ dir: chainDir, program, genesisFile, ...given }),
  );
  const twin = await twinOf(nodes[3]!, dir, nodes[0]!.given.program.persistentPeers!);
  const honest = nodes.slice(0, 3);
  nodes.push(twin);
  await Promise.all(nodes.map((node) => node.start()));
  await reach(honest, 2);
  assert.equal(await stakeOf(honest[0]!, validatorSecret(3)), STAKE);
  while ((await stakeOf(honest[0]!, validatorSecret(3))) === STAKE) await pause(250);
  const height = (await honest[0]!.height()) + 3;
  await reach(honest, height);
  const response = await fetch(`${honest[1]!.cometRpcUrl}/validators?height=${height}`);
  const { result } = (await response.json()) as { result: { validators: unknown[] } };
  assert.equal(result.validators.length, 3, 'CometBFT goes on without it');
  await assertOneChain(honest, height);
  for (const i of [0, 1, 2]) assert.ok((await stakeOf(honest[2]!, validatorSecret(i))) >= STAKE);
});

/** Another node with the same validator key, but its own place in the network. */
async function twinOf(node: NetworkNode, dir: string, persistentPeers: string): Promise<NetworkNode> {
  const { program, genesisFile, spec } = node.given;
  const home = join(dir, 'twin', 'comet');
  const chainDir = join(dir, 'twin', 'chain');
  mkdirSync(chainDir, { recursive: true });
  await initCometHome({ bin: program.bin, home });
  const key = join('config', 'priv_validator_key.json');
  copyFileSync(join(program.home, key), join(home, key));
  const [p2p, rpc] = await freePorts(2);
  return new NetworkNode({
    ...{ dir: chainDir, genesisFile, ...(spec ? { spec } : {}) },
    program: {
      ...{ bin: program.bin, home, persistentPeers },
      ...{ p2pAddress: `tcp://127.0.0.1:${p2p}`, rpcAddress: `tcp://127.0.0.1:${rpc}` },
    },
  });
}
