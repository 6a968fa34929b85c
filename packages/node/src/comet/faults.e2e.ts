/**
 * @file Four real validators while things go wrong: power cuts between FinalizeBlock and Commit and right after Commit,
 * and network partitions of both kinds. No fork, no lost and no doubled block, equal app hashes. Skipped where no
 * `cometbft` program is found.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { initCrypto } from '@alice/protocol';
import { type NetworkNode, prepareCuttableNetwork } from '../testing/CometNetwork.js';
import type { CuttableLinks } from '../testing/CuttableLinks.js';
import {
  assertOneChain,
  highest,
  included,
  occurrences,
  reach,
  sendTransfer,
  standstill,
} from '../testing/networkClient.js';
import { scratchDirectory } from '../testing/scratchChain.js';
import { initHasher } from '../trie/blake2.js';
import { findCometbft } from './findCometbft.js';

const bin = findCometbft();
const options = bin
  ? {}
  : { skip: 'no cometbft program: give its path in ALICE_COMETBFT, or put it into PATH' };
let nodes: NetworkNode[] = [];
let links: CuttableLinks | undefined;

before(async () => {
  await Promise.all([initCrypto(), initHasher()]);
  if (!bin) return;
  ({ nodes, links } = await prepareCuttableNetwork(bin, scratchDirectory(), 4));
  await Promise.all(nodes.map((node) => node.start()));
  await reach(nodes, 2);
});
after(async () => {
  await Promise.all(nodes.map((node) => node.kill()));
  links?.close();
});

for (const at of ['beforeCommit', 'afterCommit'] as const)
  test(
    `a power cut ${at === 'beforeCommit' ? 'between FinalizeBlock and Commit' : 'right after Commit'}`,
    options,
    async () => {
      const victim = nodes[3]!;
      const others = nodes.slice(0, 3);
      await victim.kill('SIGTERM');
      const height = (await highest(others)) + 6;
      await victim.start({ crash: { height, at } });
      const nonce = at === 'beforeCommit' ? 0 : 1;
      const hash = await sendTransfer(others[nonce]!, '//Alice', nonce);
      await victim.ended();
      await victim.kill(); // its CometBFT, if that has not noticed yet
      await reach(others, height + 1);
      await victim.start({ crash: undefined });
      const number = await included(victim, hash);
      const top = await highest(nodes);
      await assertOneChain(nodes, top);
      assert.ok(number <= top);
      assert.equal(await occurrences(victim, hash, top), 1);
    },
  );

for (const how of ['reset', 'silence'] as const)
  test(
    `half the validators are cut off (${how}): nobody makes a block alone, then all go on as one`,
    options,
    async () => {
      links!.isolate([0, 1], how);
      const still = await standstill(nodes);
      const nonce = how === 'reset' ? 0 : 1;
      const hash = await sendTransfer(nodes[0]!, '//Bob', nonce);
      links!.mend();
      await reach(nodes, still + 2);
      await Promise.all(nodes.map((node) => included(node, hash)));
      const top = await highest(nodes);
      await assertOneChain(nodes, top);
      assert.equal(await occurrences(nodes[2]!, hash, top), 1);
    },
  );

test('one validator cut off: the rest go on, it catches up with what it missed', options, async () => {
  links!.isolate([2], 'reset');
  const start = await highest(nodes);
  const rest = [nodes[0]!, nodes[1]!, nodes[3]!];
  const hash = await sendTransfer(rest[0]!, '//Bob', 2);
  const number = await included(rest[1]!, hash);
  await reach(rest, Math.max(start + 4, number + 1));
  assert.ok((await nodes[2]!.height()) < number, 'nothing of it reached the other side');
  links!.mend();
  assert.equal(await included(nodes[2]!, hash), number);
  await assertOneChain(nodes, await highest(nodes));
});
