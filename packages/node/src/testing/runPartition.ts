/**
 * @file A program for the test of partitions, run in a network of its own: four validators in namespaces are split in
 * halves and mended, then one is split off and mended. Ends with code 0 if there was one chain all along. Its first
 * argument is the `cometbft` program, its second an empty folder.
 */
import assert from 'node:assert/strict';
import { initCrypto } from '@alice/protocol';
import { initHasher } from '../trie/blake2.js';
import { prepareNamespacedNetwork } from './CometNetwork.js';
import { NetworkNamespaces } from './NetworkNamespaces.js';
import {
  assertOneChain,
  highest,
  included,
  occurrences,
  reach,
  sendTransfer,
  standstill,
} from './networkClient.js';

const [bin, dir] = process.argv.slice(2) as [string, string];
const count = 4;
await Promise.all([initCrypto(), initHasher()]);
const namespaces = new NetworkNamespaces(count);
const nodes = await prepareNamespacedNetwork({ bin, dir, count }, namespaces);
try {
  await Promise.all(nodes.map((node) => node.start()));
  await reach(nodes, 2);
  await halves();
  await oneAlone();
} finally {
  await Promise.all(nodes.map((node) => node.kill()));
}

/** Neither half has more than two thirds of the votes, so neither makes a block. */
async function halves(): Promise<void> {
  namespaces.split([2, 3]);
  const still = await standstill(nodes);
  const hash = await sendTransfer(nodes[0]!, '//Bob', 0);
  namespaces.mend();
  await reach(nodes, still + 2);
  await Promise.all(nodes.map((node) => included(node, hash)));
  const top = await highest(nodes);
  await assertOneChain(nodes, top);
  assert.equal(await occurrences(nodes[2]!, hash, top), 1);
  process.stdout.write(`halves stood still at ${still}, one chain at ${top}\n`);
}

async function oneAlone(): Promise<void> {
  namespaces.split([3]);
  const rest = nodes.slice(0, 3);
  const hash = await sendTransfer(rest[0]!, '//Bob', 1);
  const number = await included(rest[1]!, hash);
  await reach(rest, number + 2);
  assert.ok((await nodes[3]!.height()) < number, 'nothing of it reached the one that is cut off');
  namespaces.mend();
  assert.equal(await included(nodes[3]!, hash), number);
  await assertOneChain(nodes, await highest(nodes));
  process.stdout.write(`three went on to ${number + 2}, the fourth caught up\n`);
}
