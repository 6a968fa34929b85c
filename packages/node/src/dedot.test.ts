/** @file Drives the node through an unmodified `dedot`: its client for the newer methods and its legacy one. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { fromHex, initCrypto, PLANCK_PER_ALICE, silentLogger } from '@alice/protocol';
import { Keyring } from '@polkadot/api';
import { DedotClient, LegacyClient, WsProvider } from 'dedot';
import { type RunningNode, startNode } from './node.js';
import { scratchDirectory } from './testing/scratchChain.js';
import { testSpec } from './testing/testNetwork.js';
import { verifyProof } from './testing/verifyProof.js';

const FIVE = 5n * PLANCK_PER_ALICE;
let node: RunningNode;
const opened: Pick<LegacyClient, 'disconnect'>[] = [];

before(async () => {
  await initCrypto();
  // Without a global WebSocket (Node 20) dedot wants one.
  const { WebSocket } = await import('ws');
  globalThis.WebSocket ??= WebSocket as unknown as typeof globalThis.WebSocket;
  const dir = scratchDirectory();
  node = await startNode({ dir, spec: testSpec(), port: 0, blockTimeMs: 200, log: silentLogger });
});
after(async () => {
  for (const api of opened) await api.disconnect();
  await node?.close();
});

const people = () => {
  const keyring = new Keyring({ type: 'sr25519', ss58Format: 300 });
  const [alice, bob, grace] = ['//Alice', '//Bob', '//Grace'].map((uri) => keyring.addFromUri(uri));
  return { alice: alice!, bob: bob!, grace: grace! };
};

const clients = {
  DedotClient: () => DedotClient.new(new WsProvider({ endpoint: node.url, retryDelayMs: 0 })),
  LegacyClient: () => LegacyClient.new(new WsProvider({ endpoint: node.url, retryDelayMs: 0 })),
} as const;

interface AccountInfo {
  readonly data: { readonly free: bigint };
}

for (const [name, open] of Object.entries(clients))
  describe(`dedot ${name}`, () => {
    test('queries, prices, sends to finality, decodes a failure, refuses a forgery, reads the past', async () => {
      const { alice, bob, grace } = people();
      // The two clients differ in type only in what is not used here.
      const api = (await open()) as unknown as LegacyClient;
      opened.push(api);
      const account = async (address: string, at: Pick<typeof api, 'query'> = api) =>
        ((await at.query.system.account(address)) as AccountInfo).data.free;
      assert.equal(api.consts.system.ss58Prefix, 300);
      const before = await account(grace.address);
      const tx = api.tx.balances.transferKeepAlive(grace.address, FIVE);
      const { partialFee } = await tx.paymentInfo(alice);
      const funds = await account(alice.address);
      const { status, dispatchError } = await tx.signAndSend(alice).untilFinalized();
      assert.equal(status.type, 'Finalized');
      assert.equal(dispatchError, undefined);
      assert.equal(await account(grace.address), before + FIVE);
      assert.equal(await account(alice.address), funds - FIVE - partialFee);

      const failing = await api.tx.balances
        .transferKeepAlive(bob.address, 10n ** 22n)
        .signAndSend(alice)
        .untilFinalized();
      const error = api.registry.findErrorMeta(failing.dispatchError!);
      assert.equal(error?.pallet, 'Balances');

      const forger = {
        ...alice,
        address: alice.address,
        sign: bob.sign,
        publicKey: alice.publicKey,
        type: alice.type,
      };
      await assert.rejects(async () => void (await tx.signAndSend(forger as never)), /1010|BadProof|Invalid/);

      const { blockHash } = (status as { value: { blockHash: `0x${string}` } }).value;
      const header = (await api.rpc.chain_getHeader(blockHash))!;
      const past = await api.at(header.parentHash);
      assert.equal(await account(grace.address, past as unknown as typeof api), before);
      const key = api.query.system.account.rawKey(grace.address);
      const { proof } = await api.rpc.state_getReadProof([key], blockHash);
      const proven = verifyProof(
        fromHex(header.stateRoot),
        proof.map((piece: `0x${string}`) => fromHex(piece)),
        fromHex(key),
      );
      assert.equal(proven.kind, 'present');
    });
  });
