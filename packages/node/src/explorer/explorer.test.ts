/** @file Checks what an explorer is told against what was done, in pages, and that the index can be lost and built again. */
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import {
  encodeCall,
  type HexString,
  initCrypto,
  type KeyPair,
  keyPairFromSecret,
  PLANCK_PER_ALICE,
  signExtrinsicV4,
  silentLogger,
  toHex,
} from '@alice/protocol';
import { type NodeOptions, type RunningNode, startNode } from '../node.js';
import { scratchDirectory } from '../testing/scratchChain.js';
import { testSpec } from '../testing/testNetwork.js';
import type { ExplorerExtrinsic } from './Explorer.js';

const dir = scratchDirectory();
let node: RunningNode;

before(initCrypto);
after(() => node.close());

async function start(change: Partial<NodeOptions> = {}): Promise<void> {
  node = await startNode({ dir, spec: testSpec(), port: 0, blockTimeMs: 100, log: silentLogger, ...change });
}

async function reply<T>(
  method: string,
  ...params: unknown[]
): Promise<{ result: T; error?: { code: number } }> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
  return (await (await fetch(node.url.replace('ws', 'http'), { method: 'POST', body })).json()) as {
    result: T;
    error?: { code: number };
  };
}
const ask = async <T>(method: string, ...params: unknown[]): Promise<T> =>
  (await reply<T>(method, ...params)).result;

/** Sends a transfer; answers its hash and block once it is in one. */
async function transfer(
  from: KeyPair,
  nonce: number,
  planck: bigint,
): Promise<{ hash: HexString; block: number }> {
  const versions = await ask<{ specVersion: number; transactionVersion: number }>('state_getRuntimeVersion');
  const extrinsic = signExtrinsicV4({
    ...{ call: encodeCall.transferKeepAlive({ to: keyPairFromSecret('//Frank').address, planck }), nonce },
    ...{ keyPair: from, genesisHash: node.genesisHash, ...versions },
  });
  const hash = await ask<HexString>('author_submitExtrinsic', toHex(extrinsic));
  for (;;) {
    const { blockNumber } = await ask<{ blockNumber?: number }>('alice_extrinsicStatus', hash);
    if (blockNumber !== undefined) return { hash, block: blockNumber };
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

interface History {
  readonly entries: readonly {
    readonly number: number;
    readonly signed: readonly ExplorerExtrinsic[];
    readonly events: readonly { readonly name: string; readonly data: Record<string, string> }[];
  }[];
  readonly next: number | null;
}

/** All pages of a history, two blocks at a time. */
async function historyOf(address: string): Promise<History['entries']> {
  const entries: History['entries'][number][] = [];
  for (let before: number | null = null; ; ) {
    const page: History = await ask('alice_accountHistory', address, before, 2);
    entries.push(...page.entries);
    if (page.next === null) return entries;
    before = page.next;
  }
}

test('blocks, extrinsics, accounts and histories are told in words and in pages', async () => {
  await start();
  const [alice, frank] = [keyPairFromSecret('//Alice'), keyPairFromSecret('//Frank')];
  const sent = [];
  for (const nonce of [0, 1, 2])
    sent.push(await transfer(alice, nonce, BigInt(nonce + 1) * PLANCK_PER_ALICE));
  const failed = await transfer(alice, 3, 10n ** 22n);

  const one = await ask<ExplorerExtrinsic>('alice_extrinsic', sent[1]!.hash);
  assert.deepEqual(
    [one.pallet, one.name, one.signer, one.nonce, one.error, one.block],
    ['Balances', 'transfer_keep_alive', alice.address, 1, null, sent[1]!.block],
  );
  const moved = one.events.find(({ name }) => name === 'Transfer');
  assert.deepEqual(moved?.data, {
    from: alice.address,
    to: frank.address,
    amount: (2n * PLANCK_PER_ALICE).toString(),
  });
  const bad = await ask<ExplorerExtrinsic>('alice_extrinsic', failed.hash);
  assert.match(String(bad.error), /^(Balances|Token|Arithmetic)/);
  assert.ok(bad.events.some(({ name }) => name === 'ExtrinsicFailed'));
  assert.equal(await ask('alice_extrinsic', `0x${'11'.repeat(32)}`), null);

  const block = await ask<{ hash: HexString; hasEvents: boolean; page: ExplorerExtrinsic[] }>(
    'alice_block',
    sent[0]!.block,
  );
  assert.deepEqual(
    block.page.map(({ name }) => name),
    ['set', 'transfer_keep_alive'],
  );
  assert.equal(block.hasEvents, true);
  const byHash = await ask<typeof block>('alice_block', block.hash, 1, 1);
  assert.deepEqual(byHash.page, block.page.slice(1));

  const listed: number[] = [];
  for (let before: number | undefined; listed.length < failed.block + 1; ) {
    const page: { number: number }[] = await ask(
      'alice_blocks',
      ...(before === undefined ? [failed.block + 1, 3] : [before, 3]),
    );
    listed.push(...page.map(({ number }) => number));
    before = listed.at(-1)!;
  }
  assert.deepEqual(listed, [...Array(failed.block + 1).keys()].reverse());

  const received = await historyOf(frank.address);
  assert.deepEqual(
    received.map(({ number }) => number),
    sent.map(({ block: number }) => number).reverse(),
  );
  const amounts = received.map(
    ({ events }) => events.find(({ name }) => name === 'Transfer')!.data['amount'],
  );
  assert.deepEqual(
    amounts,
    [3n, 2n, 1n].map((n) => (n * PLANCK_PER_ALICE).toString()),
  );
  const own = await historyOf(alice.address);
  assert.deepEqual(
    own.flatMap(({ signed }) => signed.map(({ nonce }) => nonce)),
    [3, 2, 1, 0],
  );

  const found: Record<string, string> = {};
  for (let next: string | null = null; ; ) {
    const page: { accounts: { address: string; free: string }[]; next: string | null } = await ask(
      'alice_accounts',
      next,
      2,
    );
    for (const { address, free } of page.accounts) found[address] = free;
    next = page.next;
    if (next === null) break;
  }
  assert.equal(found[frank.address], (6n * PLANCK_PER_ALICE).toString());
  assert.ok(BigInt(found[alice.address]!) < 994n * PLANCK_PER_ALICE);

  for (const [method, ...params] of [
    ['alice_block'],
    ['alice_block', {}],
    ['alice_blocks', -1],
    ['alice_blocks', null, 101],
    ['alice_accountHistory', 'nobody'],
    ['alice_extrinsic', '0x12'],
    ['alice_accounts', 5],
  ] as [string, ...unknown[]][])
    assert.equal((await reply(method, ...params)).error?.code, -32602, `${method} ${JSON.stringify(params)}`);

  // The index is lost: it is built again from the chain, to the same answers.
  await node.close();
  rmSync(join(dir, 'explorer'), { recursive: true });
  await start();
  const head = (await ask<{ head: number }>('alice_explorerStatus')).head;
  while ((await ask<{ to: number }>('alice_explorerStatus')).to < head)
    await new Promise((resolve) => setTimeout(resolve, 20));
  assert.deepEqual(await historyOf(frank.address), received);

  // Bounded: with room for three blocks the old ones are forgotten, without an index nothing is answered.
  await node.close();
  await start({ explorerBlocks: 3 });
  for (;;) {
    const { from, to } = await ask<{ from: number; to: number }>('alice_explorerStatus');
    if (to - from <= 2 && from > failed.block) break;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.deepEqual(await historyOf(frank.address), []);
  await node.close();
  await start({ explorerBlocks: 0 });
  assert.equal((await reply('alice_blocks')).error?.code, -32601);
});
