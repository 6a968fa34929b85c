/**
 * @file Four validators on the real `cometbft` program, on loopback: they agree, go on without one that is killed, and
 * take it back; nothing is lost, doubled or different. Skipped where no program is found.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  encodeCall,
  type HexString,
  initCrypto,
  keyPairFromSecret,
  PLANCK_PER_ALICE,
  signExtrinsicV4,
  toHex,
} from '@alice/protocol';
import { findCometbft, type NetworkNode, prepareNetwork } from '../testing/CometNetwork.js';
import { scratchDirectory } from '../testing/scratchChain.js';

const bin = findCometbft();
const options = bin
  ? {}
  : { skip: 'no cometbft program: give its path in ALICE_COMETBFT, or put it into PATH' };
let nodes: NetworkNode[] = [];

before(async () => {
  await initCrypto();
});
after(async () => {
  await Promise.all(nodes.map((node) => node.kill()));
});

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 50));

async function reach(of: readonly NetworkNode[], height: number): Promise<void> {
  for (const node of of) while ((await node.height()) < height) await pause();
}

async function sendTransfer(through: NetworkNode, secret: string, nonce: number): Promise<HexString> {
  const call = encodeCall.transferKeepAlive({
    to: keyPairFromSecret('//Dave').address,
    planck: PLANCK_PER_ALICE,
  });
  const genesisHash = await through.ask<HexString>('chain_getBlockHash', 0);
  const keyPair = keyPairFromSecret(secret);
  const versions = await through.ask<{ specVersion: number; transactionVersion: number }>(
    'state_getRuntimeVersion',
  );
  const extrinsic = signExtrinsicV4({ call, keyPair, nonce, genesisHash, ...versions });
  return through.ask<HexString>('author_submitExtrinsic', toHex(extrinsic));
}

async function included(on: NetworkNode, hash: HexString): Promise<number> {
  for (;;) {
    const status = await on.ask<{ status: string; blockNumber?: number; error?: string }>(
      'alice_extrinsicStatus',
      hash,
    );
    assert.equal(status.error, undefined);
    if (status.status === 'included') return status.blockNumber!;
    await pause();
  }
}

/** The chain up to `height` as every node has it: equal, without gaps, and signed by CometBFT. */
async function assertOneChain(of: readonly NetworkNode[], height: number): Promise<void> {
  const chains = await Promise.all(
    of.map((node) => node.ask<string[]>('chain_getBlockHash', [...Array(height + 1).keys()])),
  );
  for (const chain of chains) assert.deepEqual(chain, chains[0]);
  let parent: string | undefined;
  for (const hash of chains[0]!) {
    const header = await of[0]!.ask<{ parentHash: string }>('chain_getHeader', hash);
    if (parent) assert.equal(header.parentHash, parent);
    parent = hash;
  }
  const response = await fetch(`${of[0]!.cometRpcUrl}/commit?height=${height}`);
  const { result } = (await response.json()) as {
    result: { signed_header: { header: { app_hash: string } } };
  };
  assert.equal(
    `0x${result.signed_header.header.app_hash.toLowerCase()}`,
    chains[0]![height - 1],
    'CometBFT’s header carries the hash of the derived header before it',
  );
}

test(
  'four validators agree; one is killed, the rest go on, it comes back to the same chain',
  options,
  async () => {
    nodes = await prepareNetwork(bin!, scratchDirectory(), 4);
    await Promise.all(nodes.map((node) => node.start()));
    await reach(nodes, 2);
    const [first, second, third, fourth] = nodes as [NetworkNode, NetworkNode, NetworkNode, NetworkNode];
    const hashes = [
      await sendTransfer(first, '//Alice', 0),
      await sendTransfer(second, '//Bob', 0),
      await sendTransfer(first, '//Alice', 1),
    ];
    for (const hash of hashes)
      assert.equal(
        new Set(await Promise.all(nodes.map((node) => included(node, hash)))).size,
        1,
        'the same block on every node',
      );

    await fourth.kill();
    const alive = [first, second, third];
    const down = await first.height();
    const meanwhile = await sendTransfer(third, '//Alice', 2);
    await included(second, meanwhile);
    await reach(alive, down + 3);

    await fourth.start();
    await included(fourth, meanwhile);
    const later = await sendTransfer(fourth, '//Alice', 3);
    await Promise.all(nodes.map((node) => included(node, later)));
    const height = await first.height();
    await reach(nodes, height);
    await assertOneChain(nodes, height);

    // Everyone at once, as in a power cut.
    await Promise.all(nodes.map((node) => node.kill()));
    await Promise.all(nodes.map((node) => node.start()));
    await reach(nodes, height + 2);
    await assertOneChain(nodes, height + 2);
    const roots = await Promise.all(
      nodes.map(async (node) => {
        const hash = await node.ask<string>('chain_getBlockHash', height + 2);
        return (await node.ask<{ stateRoot: string }>('chain_getHeader', hash)).stateRoot;
      }),
    );
    assert.equal(new Set(roots).size, 1);
    await Promise.all(nodes.map((node) => node.kill('SIGTERM')));
  },
);
