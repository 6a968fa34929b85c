/** @file Checks decoded blocks against what was sent, and the comparison of states against a known difference. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  encodeCall,
  fromHex,
  type HexString,
  initCrypto,
  keyPairFromSecret,
  PLANCK_PER_ALICE,
  signExtrinsicV4,
  silentLogger,
  toHex,
} from '@alice/protocol';
import { type RunningNode, startNode } from '../node.js';
import { scratchDirectory } from '../testing/scratchChain.js';
import { testSpec } from '../testing/testNetwork.js';
import { decoderOfHex } from './ChainDecoder.js';
import { diffState, openState, type StateDifference } from './diffState.js';

const dirs = [scratchDirectory(), scratchDirectory()] as const;
let nodes: RunningNode[] = [];

before(initCrypto);
after(() => Promise.all(nodes.map((node) => node.close())));

async function ask<T>(node: RunningNode, method: string, ...params: unknown[]): Promise<T> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
  const reply = await fetch(node.url.replace('ws', 'http'), { method: 'POST', body });
  return ((await reply.json()) as { result: T }).result;
}

test('a block is told in words, and two chains differ exactly where they were treated differently', async () => {
  // One whole hour between blocks: both stay at block 0 until the first is given a transaction.
  const start = (dir: string, blockTimeMs: number) =>
    startNode({ dir, spec: testSpec(), port: 0, blockTimeMs, log: silentLogger });
  nodes = [await start(dirs[0], 100), await start(dirs[1], 3_600_000)];
  const [busy, idle] = nodes as [RunningNode, RunningNode];
  const [alice, frank] = [keyPairFromSecret('//Alice'), keyPairFromSecret('//Frank')];
  const { specVersion, transactionVersion } = await ask<{ specVersion: number; transactionVersion: number }>(
    busy,
    'state_getRuntimeVersion',
  );
  const planck = 3n * PLANCK_PER_ALICE;
  const extrinsic = signExtrinsicV4({
    ...{ call: encodeCall.transferKeepAlive({ to: frank.address, planck }), keyPair: alice, nonce: 0 },
    ...{ genesisHash: busy.genesisHash, specVersion, transactionVersion },
  });
  const hash = await ask<HexString>(busy, 'author_submitExtrinsic', toHex(extrinsic));
  let blockHash: HexString | undefined;
  while (!blockHash) {
    const status = await ask<{ blockHash?: HexString }>(busy, 'alice_extrinsicStatus', hash);
    blockHash = status.blockHash;
  }
  const { block } = await ask<{ block: { extrinsics: HexString[]; header: { number: string } } }>(
    busy,
    'chain_getBlock',
    blockHash,
  );
  const decoder = decoderOfHex(
    metadata15(await ask(busy, 'state_call', 'Metadata_metadata_at_version', '0x0f000000')),
  );
  const [time, transfer] = block.extrinsics.map((hex) => decoder.extrinsic(fromHex(hex)));
  assert.deepEqual([time!.pallet, time!.name, time!.signer], ['Timestamp', 'set', undefined]);
  assert.deepEqual(transfer, {
    ...{ pallet: 'Balances', name: 'transfer_keep_alive', signer: alice.address, nonce: 0, tip: '0' },
    args: { dest: { type: 'Id', value: frank.address }, value: planck.toString() },
  });
  const eventsKey = '0x26aa394eea5630e07c48ae0c9558cef780d41e5e16056765bc8461851072c9d7';
  const events = decoder.events(fromHex(await ask(busy, 'state_getStorage', eventsKey, blockHash)));
  const moved = events.find(({ name }) => name === 'Transfer');
  assert.deepEqual(moved, {
    ...{ extrinsic: 1, pallet: 'Balances', name: 'Transfer' },
    data: { from: alice.address, to: frank.address, amount: planck.toString() },
  });
  assert.ok(events.some(({ extrinsic: index, name }) => index === 1 && name === 'ExtrinsicSuccess'));
  assert.throws(() => decoder.extrinsic(Uint8Array.of(4, 0x84)));

  const number = Number(block.header.number);
  const found: StateDifference[] = [];
  const [a, b] = [await openState(busy.url, number), await openState(idle.url, 0)];
  for await (const difference of diffState(a, b)) found.push(difference);
  assert.deepEqual(
    found.map(({ key }) => key),
    found.map(({ key }) => key).sort(),
    'in key order',
  );
  const named = (pallet: string, item: string) =>
    found
      .filter(({ description: d }) => d?.pallet === pallet && d.item === item)
      .map(({ description }) => description!);
  const accounts = named('System', 'Account');
  assert.deepEqual(
    new Set(accounts.map(({ keys }) => keys[0])),
    new Set([alice.address, frank.address, keyPairFromSecret('//Charlie').address]),
    'sender, receiver and the collector of the fee',
  );
  const received = accounts.find(({ keys }) => keys[0] === frank.address)!;
  assert.equal(received.b, null);
  assert.equal((received.a as { data: { free: string } }).data.free, planck.toString());
  assert.deepEqual(
    named('System', 'Number').map(({ a: now, b: then }) => [now, then]),
    [[number, 0]],
  );

  // The same comparison between a directory and a running node.
  await busy.close();
  const folder = await openState(dirs[0]);
  const again: HexString[] = [];
  for await (const { key } of diffState(folder, await openState(idle.url, 0))) again.push(key);
  assert.ok(found.every(({ key }) => again.includes(key)));
  for await (const { key } of diffState(folder, folder)) assert.fail(`a state differs from itself at ${key}`);
  await folder.close();
});

/** Out of `Option<OpaqueMetadata>`. */
function metadata15(answer: HexString): HexString {
  const length = 1 << (Number.parseInt(answer.slice(4, 6), 16) & 3);
  return `0x${answer.slice(4 + 2 * length)}`;
}
