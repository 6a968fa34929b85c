/**
 * @file Four validators on the real `cometbft` program, on loopback: they agree, go on without one that is killed, and
 * take it back; nothing is lost, doubled or different. Skipped where no program is found.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { initCrypto } from '@alice/protocol';
import { type NetworkNode, prepareNetwork } from '../testing/CometNetwork.js';
import { assertOneChain, included, reach, sendTransfer } from '../testing/networkClient.js';
import { scratchDirectory } from '../testing/scratchChain.js';
import { findCometbft } from './findCometbft.js';

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
