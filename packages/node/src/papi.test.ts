/**
 * @file Drives the node through an unmodified `polkadot-api` (PAPI): over the newer `chainHead_v1` methods, which it
 * takes because the node lists them, and over the legacy ones.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  fromHex,
  type HexString,
  initCrypto,
  type KeyPair,
  keyPairFromSecret,
  PLANCK_PER_ALICE,
  silentLogger,
  toHex,
} from '@alice/protocol';
import { AccountId, Enum, type PolkadotClient } from 'polkadot-api';
import { getPolkadotSigner } from 'polkadot-api/signer';
import { createWsClient } from 'polkadot-api/ws';
import { WebSocket } from 'ws';
import { type RunningNode, startNode } from './node.js';
import { scratchDirectory } from './testing/scratchChain.js';
import { testSpec } from './testing/testNetwork.js';
import { blake2 } from './trie/blake2.js';

const FIVE = 5n * PLANCK_PER_ALICE;
let node: RunningNode;
let client: PolkadotClient;
const sockets: WebSocket[] = [];
let people: Record<'alice' | 'bob' | 'frank', KeyPair>;

before(async () => {
  await initCrypto();
  people = {
    alice: keyPairFromSecret('//Alice'),
    bob: keyPairFromSecret('//Bob'),
    frank: keyPairFromSecret('//Frank'),
  };
  const dir = scratchDirectory();
  node = await startNode({ dir, spec: testSpec(), port: 0, blockTimeMs: 200, log: silentLogger });
  client = createWsClient(node.url, { websocketClass: WebSocket as never });
});
after(async () => {
  for (const socket of sockets) socket.terminate();
  client?.destroy();
  await node?.close();
});

const signerOf = ({ publicKey, sign }: KeyPair) => getPolkadotSigner(publicKey, 'Sr25519', sign);

interface AccountInfo {
  readonly nonce: number;
  readonly data: { readonly free: bigint };
}

/** The untyped API: descriptors would be generated from a running node. */
const unsafe = () => client.getUnsafeApi();
const accountOf = (key: KeyPair, at = 'best'): Promise<AccountInfo> =>
  unsafe().query['System']!['Account']!.getValue(key.address, { at }) as Promise<AccountInfo>;
const transfer = (to: KeyPair, value: bigint) =>
  unsafe().tx['Balances']!['transfer_keep_alive']!({ dest: Enum('Id', to.address), value });

describe('polkadot-api', () => {
  test('connects and sees the chain', async () => {
    const spec = await client.getChainSpecData();
    assert.equal(spec.genesisHash, node.genesisHash);
    assert.deepEqual(spec.properties, { ss58Format: 300, tokenDecimals: 12, tokenSymbol: 'ALICE' });
    assert.equal((await accountOf(people.bob)).data.free, 1000n * PLANCK_PER_ALICE);
    assert.equal(await unsafe().constants['System']!['SS58Prefix']!(), 300);
    assert.equal(AccountId(300).dec(people.bob.publicKey), people.bob.address);
  });

  test('a transfer is priced, signed, found in a block and finalized; the balance is watched', async () => {
    const { alice, frank } = people;
    const seen: bigint[] = [];
    const watched = unsafe()
      .query['System']!['Account']!.watchValue(frank.address, { at: 'best' })
      .subscribe(({ value }) => void seen.push((value as AccountInfo).data.free));
    const fee = await transfer(frank, FIVE).getEstimatedFees(alice.address);
    const before = (await accountOf(alice)).data.free;
    const steps: string[] = [];
    await new Promise<void>((resolve, reject) => {
      transfer(frank, FIVE)
        .signSubmitAndWatch(signerOf(alice))
        .subscribe({
          next: (event) => void steps.push(event.type),
          complete: resolve,
          error: reject,
        });
    });
    assert.deepEqual([...new Set(steps)], ['signed', 'broadcasted', 'txBestBlocksState', 'finalized']);
    assert.equal((await accountOf(alice)).data.free, before - FIVE - fee);
    assert.equal((await accountOf(frank)).data.free, FIVE);
    watched.unsubscribe();
    assert.equal(seen.at(-1), FIVE);
  });

  test('a failing call is decoded, a forged signature is refused', async () => {
    const { alice, bob, frank } = people;
    const failed = await transfer(bob, 10n ** 22n).signAndSubmit(signerOf(alice));
    assert.equal(failed.ok, false);
    const { dispatchError } = failed as { dispatchError?: { type: string; value: { type: string } } };
    assert.equal(dispatchError?.type, 'Module');
    assert.equal(dispatchError.value.type, 'Balances');
    const forger = getPolkadotSigner(alice.publicKey, 'Sr25519', (bytes) => frank.sign(bytes));
    await assert.rejects(transfer(bob, 1n).signAndSubmit(forger), /BadProof/);
  });

  test('reads entries, and older blocks as they were', async () => {
    const { alice, frank } = people;
    const old = await client.getFinalizedBlock();
    const before = await accountOf(frank, old.hash);
    const { ok, block } = await transfer(frank, FIVE).signAndSubmit(signerOf(alice));
    assert.ok(ok);
    assert.ok(block.number > old.number);
    assert.equal((await accountOf(frank, old.hash)).data.free, before.data.free);
    assert.equal((await accountOf(frank, block.hash)).data.free, before.data.free + FIVE);
    const entries = await unsafe().query['System']!['Account']!.getEntries({ at: block.hash });
    assert.ok(entries.some(({ keyArgs }: { keyArgs: unknown[] }) => keyArgs[0] === frank.address));
    const body = await client.getBlockBody(block.hash);
    assert.equal(body.length, 2, 'the timestamp and the transfer');
    const header = await client.getBlockHeader(block.hash);
    assert.equal(header.number, block.number);
  });

  test('watchEntries follows a map by its proofs', async () => {
    const { alice, frank } = people;
    const before = (await accountOf(frank)).data.free;
    const grown = new Promise<void>((resolve, reject) => {
      const subscription = unsafe()
        .query['System']!['Account']!.watchEntries({ at: 'best' })
        .subscribe({
          next: ({ entries }) => {
            const entry = entries.find(({ args }) => args[0] === frank.address);
            if ((entry?.value as AccountInfo | undefined)?.data.free !== before + FIVE) return;
            subscription.unsubscribe();
            resolve();
          },
          error: reject,
        });
    });
    assert.ok((await transfer(frank, FIVE).signAndSubmit(signerOf(alice))).ok);
    await grown;
  });
});

describe('the newer JSON-RPC methods themselves', () => {
  interface Message {
    readonly id?: number;
    readonly result?: unknown;
    readonly error?: { readonly code: number };
    readonly method?: string;
    readonly params?: { readonly subscription: string; readonly result: Record<string, unknown> };
  }

  /** A bare WebSocket client: sends requests, waits for the message that fits. */
  async function bare() {
    const socket = new WebSocket(node.url);
    sockets.push(socket);
    const messages: Message[] = [];
    let wake = (): void => undefined;
    socket.on('message', (data) => {
      messages.push(JSON.parse(String(data)));
      wake();
    });
    await new Promise((resolve) => socket.once('open', resolve));
    const wait = async (fits: (message: Message) => boolean): Promise<Message> => {
      for (;;) {
        const found = messages.find(fits);
        if (found) return found;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    };
    let ids = 0;
    const ask = (method: string, ...params: unknown[]): Promise<Message> => {
      const id = ++ids;
      socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
      return wait((message) => message.id === id);
    };
    return { socket, ask, wait };
  }

  test('chainSpec, archive and chainHead answer what the legacy methods do', async () => {
    const { socket, ask, wait } = await bare();
    const result = async (method: string, ...params: unknown[]) => (await ask(method, ...params)).result;
    assert.equal(await result('chainSpec_v1_genesisHash'), node.genesisHash);
    assert.equal(await result('chainSpec_v1_chainName'), 'Alice Test');
    assert.equal(await result('archive_v1_genesisHash'), node.genesisHash);
    const head = String(await result('chain_getFinalizedHead'));
    const height = Number(((await result('chain_getHeader', head)) as { number: string }).number);
    assert.deepEqual(await result('archive_v1_hashByHeight', height), [head]);
    const follow = String(await result('chainHead_v1_follow', false));
    const first = await wait((message) => message.params?.subscription === follow);
    assert.equal(first.params!.result['event'], 'initialized');
    const [pinned] = first.params!.result['finalizedBlockHashes'] as string[];
    const header = await result('chainHead_v1_header', follow, pinned);
    assert.match(String(header), /^0x/);
    assert.equal((await ask('chainHead_v1_unpin', follow, pinned)).error, undefined);
    assert.equal((await ask('chainHead_v1_header', follow, pinned)).error?.code, -32801);
    assert.equal((await ask('chainHead_v1_unfollow', follow)).error, undefined);
    socket.close();
  });

  test('a client may unpin the newest final block, and the one after it: the subscription goes on', async () => {
    const { socket, ask, wait } = await bare();
    const follow = String((await ask('chainHead_v1_follow', false)).result);
    const events: Record<string, unknown>[] = [];
    socket.on('message', (data) => {
      const { params } = JSON.parse(String(data)) as Message;
      if (params?.subscription === follow) events.push(params.result);
    });
    const next = (event: string, after: number): Promise<Message> => {
      let seen = 0;
      return wait(({ params }) => {
        if (params?.subscription !== follow || params.result['event'] !== event) return false;
        return params.result['blockHash'] !== undefined || ++seen > after;
      });
    };
    const first = await next('initialized', 0);
    const [pinned] = first.params!.result['finalizedBlockHashes'] as string[];
    assert.equal((await ask('chainHead_v1_unpin', follow, pinned)).error, undefined);
    assert.equal((await ask('chainHead_v1_header', follow, pinned)).error?.code, -32801);
    const fresh = String((await next('newBlock', 0)).params!.result['blockHash']);
    assert.equal((await ask('chainHead_v1_unpin', follow, [fresh])).error, undefined);
    while (events.filter(({ event }) => event === 'finalized').length < 4)
      await new Promise((resolve) => socket.once('message', resolve));
    assert.ok(!events.some(({ event }) => event === 'stop'));
    const reported = events.flatMap(({ event, blockHash }) => (event === 'newBlock' ? [blockHash] : []));
    assert.equal(new Set(reported).size, reported.length, 'no block is reported twice');
    assert.equal((await ask('chainHead_v1_header', follow, fresh)).error?.code, -32801);
    const newest = reported.at(-1);
    assert.match(String((await ask('chainHead_v1_header', follow, newest)).result), /^0x/);
    socket.close();
  });

  test('nonsense gets codes and harms nobody', async () => {
    const { socket, ask } = await bare();
    for (const params of [[], ['none'], [null, {}], ['none', ['0x']], [[]], [{ a: 1 }]])
      for (const method of ['chainHead_v1_storage', 'chainHead_v1_unpin', 'chainHead_v1_call'])
        assert.equal(
          (await ask(method, ...params)).error?.code,
          -32602,
          `${method} ${JSON.stringify(params)}`,
        );
    socket.send('{"jsonrpc":"2.0","id":901,"method":"chainHead_v1_follow","params":{"a":1}}');
    for (const params of [[], [5], ['0x12', 7], [null, [{ key: 5 }]]])
      for (const method of ['archive_v1_storage', 'archive_v1_body', 'archive_v1_header', 'archive_v1_call'])
        await ask(method, ...params); // an answer of some kind: the helper waits for it
    assert.equal((await ask('system_chain')).result, 'Alice Test');
    socket.close();
  });

  test('a broadcast transaction ends up in a block', async () => {
    const { socket, ask } = await bare();
    const { alice, frank } = people;
    const before = await accountOf(frank);
    const { nonce } = await accountOf(alice);
    const signed = await transfer(frank, FIVE).sign(signerOf(alice), { nonce });
    const token = (await ask('transaction_v1_broadcast', typeof signed === 'string' ? signed : toHex(signed)))
      .result;
    assert.equal(typeof token, 'string');
    const hash = toHex(blake2(typeof signed === 'string' ? fromHex(signed as HexString) : signed));
    for (;;) {
      const { result } = await ask('alice_extrinsicStatus', hash);
      const { status, error } = result as { status: string; error?: string };
      assert.equal(error, undefined);
      if (status === 'included') break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.equal((await accountOf(frank)).data.free, before.data.free + FIVE);
    await ask('transaction_v1_stop', token);
    socket.close();
  });
});
