/** @file Checks that an older block is described by the runtime of its time, over the RPC and after restarts. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { initCrypto, silentLogger, toHex, utf8 } from '@alice/protocol';
import type { Runtime } from '@alice/runtime';
import { RuntimeArchive } from './RuntimeArchive.js';
import { defaultRpcLimits, RpcDispatcher } from './rpc/dispatch.js';
import { fakeRuntime } from './testing/fakeRuntime.js';
import { appendChanges } from './testing/scratchChain.js';
import { soloScratch } from './testing/soloScratch.js';
import { initHasher } from './trie/blake2.js';

before(async () => {
  await Promise.all([initCrypto(), initHasher()]);
});

const runtimeOf = (specVersion: number): Runtime => ({
  ...fakeRuntime(),
  versionJson: { specName: 'fake', specVersion },
  metadata: (version) => Uint8Array.of(version, specVersion),
  call: (_state, method) => (method === 'Core_version' ? Uint8Array.of(specVersion) : undefined),
});

test('an older block is described by the runtime of its time, the others by the running one', async () => {
  const first = soloScratch();
  const head = () => ({ number: first.chain.head.header.number, state: first.chain.headState });
  new RuntimeArchive(first.store, runtimeOf(1), head());
  const blocks = [0, 1].map(() => first.engine.produceBlock());
  new RuntimeArchive(first.store, runtimeOf(2), head());
  blocks.push(first.engine.produceBlock());
  new RuntimeArchive(first.store, runtimeOf(2), head());
  await first.store.close();

  const again = soloScratch({ dir: first.dir });
  const runtime = runtimeOf(2);
  const archive = new RuntimeArchive(again.store, runtime, { number: 3, state: again.chain.headState });
  assert.deepEqual(
    [0, 1, 2, 3, 4].map((n) => archive.at(n)?.specVersion),
    [1, 1, 1, undefined, undefined],
  );
  const dispatcher = new RpcDispatcher(
    { engine: again.engine, runtime, chainName: 'T', log: silentLogger, runtimeAt: (n) => archive.at(n) },
    defaultRpcLimits,
  );
  const ask = async (method: string, ...params: unknown[]): Promise<unknown> => {
    const { response } = await dispatcher.handleMessage({ jsonrpc: '2.0', id: 1, method, params }, undefined);
    return (response as { result: unknown }).result;
  };
  const [, second, third] = blocks.map(({ hash }) => hash);
  assert.equal(await ask('state_getMetadata', second), '0x0e01');
  assert.equal(await ask('state_getMetadata', third), '0x0e02');
  assert.equal(await ask('state_getMetadata'), '0x0e02');
  assert.deepEqual(await ask('state_getRuntimeVersion', second), { specName: 'fake', specVersion: 1 });
  assert.equal(await ask('state_call', 'Core_version', '0x', second), '0x01');
  assert.equal(await ask('state_call', 'Core_version', '0x', third), '0x02');
  assert.equal(await ask('state_call', 'Metadata_metadata_at_version', '0x0f000000', second), '0x01080f01');
  assert.equal(await ask('state_call', 'Metadata_metadata_at_version', '0x10000000', second), '0x00');
  await again.store.close();
});

test('the block that changes the runtime says so in its digest', async () => {
  const { chain, store } = soloScratch();
  const plain = appendChanges(chain, new Map([[toHex(utf8.encode('x')), Uint8Array.of(1)]]));
  const upgrade = appendChanges(chain, new Map([[toHex(utf8.encode(':code')), Uint8Array.of(1)]]));
  assert.deepEqual([plain.header.digest, upgrade.header.digest], [[], ['0x08']]);
  await store.close();
});
