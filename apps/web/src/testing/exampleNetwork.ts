/**
 * @file A network small enough to start in seconds, yet with something on every page: a real chain with a settled epoch,
 * and a server of given figures, receipts and texts. For end-to-end tests only.
 */
import {
  type Address,
  ChainClient,
  type EpochReport,
  type EpochScore,
  encryptKeystore,
  type HashHex,
  initCrypto,
  type KeyPair,
  keyPairFromSecret,
  keyPairFromSeed,
  type NetworkStatus,
  newMnemonic,
  reportEpoch,
  type SignedReceipt,
} from '@alice/protocol';
import { type ChainNode, chainNode } from './chainNode.js';
import { EXAMPLE_BLOB, EXAMPLE_STATE_ROOT, exampleInclusion, exampleReceipt } from './exampleReceipt.js';
import { exampleStatus } from './exampleStatus.js';
import { type PageServer, servePage } from './pageServer.js';

const ALICE = 1_000_000_000_000n;
const REPORT_TIMEOUT_MS = 120_000;

export interface ExampleNetwork {
  readonly node: ChainNode;
  readonly server: PageServer;
  /** Of the parameter server, which has money, mines and has a receipt. */
  readonly address: string;
  /** What `localStorage` holds under `alice.wallets` when that account's wallet is kept. */
  readonly storedWallets: string;
  /** Settles the next epoch; `miners` beside the server are paid for training. */
  settleEpoch(miners: number): Promise<void>;
  stop(): Promise<void>;
}

/** `nodeFlags`: more options of `alice node`. */
export async function exampleNetwork(
  dir: string,
  nodeFlags: readonly string[] = [],
): Promise<ExampleNetwork> {
  await initCrypto();
  const key = keyPairFromSecret(newMnemonic());
  // Takes seconds of this thread, in which the node would close connections that are open.
  const keystore = encryptKeystore(key, 'correct horse battery', { name: 'mine' });
  const node = await chainNode({ dir, rich: key.address, planck: 1000n * ALICE, flags: nodeFlags });
  const chain = new ChainClient({ url: node.ws, timeoutMs: REPORT_TIMEOUT_MS });
  const watcher = new ChainClient({ url: node.ws, timeoutMs: 2_000 });
  const signed = exampleReceipt(key, node.genesisHash);
  const inclusion = exampleInclusion(signed, 0);
  const server = await servePage({
    status: () => statusOf(key, node, watcher),
    chainWs: node.ws,
    answers: await answersOf(signed, inclusion),
  });
  return {
    node,
    server,
    address: key.address,
    storedWallets: JSON.stringify([{ name: 'mine', address: key.address, keystore }]),
    settleEpoch: async (miners) =>
      settleEpoch(chain, key, { miners, receiptsRoot: await inclusion.settledRoot() }),
    stop: async () => {
      await server.stop();
      await node.stop();
    },
  };
}

async function settleEpoch(
  chain: ChainClient,
  key: KeyPair,
  { miners, receiptsRoot }: { readonly miners: number; readonly receiptsRoot: HashHex },
): Promise<void> {
  const epoch = await chain.currentEpoch();
  const trained = (address: Address, i: number): EpochScore => ({
    ...{ address, role: 'training', scoreNanoNats: 1_000_000n + BigInt(i) },
  });
  const report: EpochReport = {
    ...{ epoch, fromVersion: epoch, toVersion: epoch + 1, stateRoot: EXAMPLE_STATE_ROOT },
    ...{ heldOutLossNanoNats: 6_200_000_000n, shardsCovered: 3, receiptsRoot },
    scores: [
      ...Array.from({ length: miners }, (_, i) => trained(minerAddress(i), i)),
      trained(key.address, miners),
      { address: key.address, role: 'infrastructure', scoreNanoNats: 1n },
    ],
  };
  await reportEpoch(chain, key, { report, timeoutMs: REPORT_TIMEOUT_MS });
  while ((await chain.currentEpoch()) === epoch) await new Promise((resolve) => setTimeout(resolve, 200));
}

function minerAddress(i: number): Address {
  const seed = new Uint8Array(32).fill(9);
  new DataView(seed.buffer).setUint32(0, i);
  return keyPairFromSeed(seed).address;
}

async function statusOf({ address }: KeyPair, node: ChainNode, chain: ChainClient): Promise<NetworkStatus> {
  const head = await chain.head().catch(() => undefined);
  const example = exampleStatus();
  const miner = (role: string, instance: string) => ({
    ...{
      address,
      instance,
      role,
      device: 'test processor, 2 threads',
      lastSeenMs: example.serverTimeMs - 4_000,
    },
    ...{ accepted: 4, refused: 2, score: '500000000' },
  });
  return {
    ...example,
    ...{ networkId: node.genesisHash, serverId: address },
    miners: [miner('miner', 'main'), miner('scorer', 'scorer')],
    balances: [{ address, role: 'server', planck: String(1000n * ALICE) }],
    chain: { height: head?.number ?? 40, reachable: head !== undefined },
    alarms: head ? [] : [{ code: 'CHAIN_UNREACHABLE', message: 'the chain does not answer', sinceMs: 0 }],
  };
}

/** A receipt with all it is checked against, and an inference endpoint that has written something. */
async function answersOf(
  signed: SignedReceipt,
  inclusion: ReturnType<typeof exampleInclusion>,
): Promise<Readonly<Record<string, unknown>>> {
  const listed = { submissionId: 'one', round: 3, outcome: 'accepted', code: null, score: '100', epoch: 0 };
  const sample = (version: number, text: string) => ({
    ...{ version, stateRoot: EXAMPLE_STATE_ROOT, createdAtMs: 0, texts: [text, text] },
  });
  return {
    [`/v1/miners/${signed.receipt.address}/receipts`]: { receipts: [listed] },
    '/v1/receipts/one': signed,
    '/v1/epochs/0/receipts/one/proof': await inclusion.proof(),
    '/v1/receipts/one/blob': EXAMPLE_BLOB,
    '/v1/versions/2': { stateRoot: EXAMPLE_STATE_ROOT },
    '/inference/v1/models': {
      data: [{ id: 'alice-nano', version: 2, parameters: 1_836_160, context_length: 256 }],
    },
    '/inference/v1/samples': {
      prompts: ['The ', 'Once upon a time'],
      samples: [sample(0, 'qx vv'), sample(2, 'king was old')],
    },
  };
}
