/**
 * @file A fresh node joins a real network of validators by state sync: it takes a snapshot that CometBFT's light client
 * proved, never sees the blocks before it, and has the same state root as everyone. Skipped where no `cometbft` program
 * is found.
 */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { initCrypto } from '@alice/protocol';
import { initCometHome } from '../comet/cometHome.js';
import { NetworkNode, prepareNetwork } from '../testing/CometNetwork.js';
import { cometCommit, included, reach, sendTransfer } from '../testing/networkClient.js';
import { scratchDirectory } from '../testing/scratchChain.js';
import { findCometbft } from './findCometbft.js';
import { freePorts } from './freePorts.js';

const bin = findCometbft();
const options = bin
  ? {}
  : { skip: 'no cometbft program: give its path in ALICE_COMETBFT, or put it into PATH' };
let nodes: NetworkNode[] = [];
const SNAPSHOT_EVERY = 5;
/** CometBFT tries again for ever: better to fail than to wait with it. */
const limits = { ...options, timeout: 240_000 };

before(initCrypto);
after(async () => {
  await Promise.all(nodes.map((node) => node.kill()));
});

test('a fresh node takes the state from a snapshot and goes on with the network', limits, async () => {
  const dir = scratchDirectory();
  nodes = await prepareNetwork(bin!, dir, 3);
  await Promise.all(nodes.map((node) => node.start({ snapshotEveryBlocks: SNAPSHOT_EVERY })));
  const [first, second, third] = nodes as [NetworkNode, NetworkNode, NetworkNode];
  const early = await sendTransfer(first, '//Alice', 0);
  const earlyNumber = await included(third, early);
  await reach(nodes, Math.ceil((earlyNumber + 1) / SNAPSHOT_EVERY) * SNAPSHOT_EVERY + 3);

  const trustHeight = 2; // block 1 carries the genesis time, which is long ago: the light client wants a recent one
  const { commit } = await cometCommit(first, trustHeight);
  const home = join(dir, 'late', 'comet');
  const chainDir = join(dir, 'late', 'chain');
  mkdirSync(chainDir, { recursive: true });
  await initCometHome({ bin: bin!, home });
  const [p2p, rpc] = await freePorts(2);
  const { program, genesisFile } = first.given;
  const others = program.persistentPeers; // of the first: everyone but itself, enough to find them all
  const late = new NetworkNode({
    dir: chainDir,
    genesisFile,
    program: {
      ...{ bin: bin!, home, p2pAddress: `tcp://127.0.0.1:${p2p}`, rpcAddress: `tcp://127.0.0.1:${rpc}` },
      ...(others === undefined ? {} : { persistentPeers: others }),
    },
    stateSync: {
      rpcUrls: [first.cometRpcUrl, second.cometRpcUrl],
      trustHeight,
      trustHash: commit.block_id.hash,
    },
  });
  nodes.push(late);
  await late.start();
  await reach([late], 1);
  assert.equal(await late.ask('chain_getBlockHash', 1), null, 'it never saw the first block');
  const target = await first.height();
  await reach(nodes, target);
  const heads = await Promise.all(nodes.map((node) => node.ask<string>('chain_getBlockHash', target)));
  assert.equal(new Set(heads).size, 1);
  const roots = await Promise.all(
    nodes.map((node) => node.ask<{ stateRoot: string }>('chain_getHeader', heads[0])),
  );
  assert.equal(new Set(roots.map(({ stateRoot }) => stateRoot)).size, 1);

  // It is a full member now: takes transactions, and finds its place again after a restart.
  const later = await sendTransfer(late, '//Alice', 1);
  assert.equal(new Set(await Promise.all(nodes.map((node) => included(node, later)))).size, 1);
  await late.kill();
  await late.start();
  const next = (await first.height()) + 2;
  await reach(nodes, next);
  const hashes = await Promise.all(nodes.map((node) => node.ask<string>('chain_getBlockHash', next)));
  assert.equal(new Set(hashes).size, 1);
});
