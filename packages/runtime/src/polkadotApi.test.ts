/**
 * @file Unmodified `@polkadot/api` on this runtime, through a provider in memory: metadata, queries, fees, balances and
 * transactions signed by its own code. What it decodes is an independent check of every codec here (CHAIN-4).
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { addressOf, fromHex, type HexString, initCrypto, toHex } from '@alice/protocol';
import { ApiPromise } from '@polkadot/api';
import { Keyring } from '@polkadot/keyring';
import { Metadata, TypeRegistry } from '@polkadot/types';
import { BLOCK_HASH_COUNT } from './pallets/system/limits.js';
import { ZERO_HASH } from './scale/substrateTypes.js';
import { ALICE_UNIT, callOf, reportOf, TestChain, transferTo } from './testing.js';
import { runtimeVersionJson, SPEC_VERSION } from './version.js';
import { timeOf } from './weights/timeOf.js';

type Handler = (chain: TestChain, params: readonly unknown[]) => unknown;

const valueAt = (chain: TestChain, key: unknown): HexString | null => {
  const value = chain.state.get(key as HexString);
  return value ? toHex(value) : null;
};
const header = (chain: TestChain, number: number) => ({
  parentHash: chain.hashes[number - 1] ?? ZERO_HASH,
  number,
  stateRoot: ZERO_HASH,
  extrinsicsRoot: ZERO_HASH,
  digest: { logs: [] },
});

/** What the client asks of a node, answered by the runtime at the head. */
const handlers: Readonly<Record<string, Handler>> = {
  chain_getBlockHash: (chain, [number]) => chain.hashes[typeof number === 'number' ? number : chain.number],
  chain_getFinalizedHead: (chain) => chain.hashes[chain.number],
  chain_getHeader: (chain, [hash]) =>
    header(chain, hash ? chain.hashes.indexOf(hash as HexString) : chain.number),
  state_getRuntimeVersion: () => runtimeVersionJson(),
  state_getMetadata: (chain) => toHex(chain.runtime.metadata(14)),
  state_call: (chain, [method, data]) => {
    const answer = chain.runtime.call(chain.view, String(method), fromHex(String(data)));
    if (!answer) throw new Error(`no runtime API ${method}`);
    return toHex(answer);
  },
  state_getStorage: (chain, [key]) => valueAt(chain, key),
  state_queryStorageAt: (chain, [keys]) => [
    {
      block: chain.hashes[chain.number],
      changes: (keys as unknown[]).map((key) => [key, valueAt(chain, key)]),
    },
  ],
  state_getKeysPaged: (chain, [prefix, count, from]) =>
    [...chain.state.keys()]
      .sort()
      .filter((key) => key.startsWith(String(prefix)) && (!from || key > String(from)))
      .slice(0, Number(count)),
  system_chain: () => 'Alice test',
  system_properties: () => ({ ss58Format: 300, tokenDecimals: 12, tokenSymbol: 'ALICE' }),
  rpc_methods: () => ({ methods: [...Object.keys(handlers), ...Object.keys(subscriptions)] }),
  author_submitExtrinsic: (chain, [hex]) => {
    const extrinsic = fromHex(String(hex));
    const validity = chain.runtime.validate(chain.view, extrinsic);
    if (!validity.valid) throw new Error(`1010: Invalid Transaction: ${validity.reason}`);
    chain.build([extrinsic]);
    return validity.hash;
  },
};

/** Subscriptions answer once, with what this method says. */
const subscriptions: Readonly<Record<string, string>> = {
  state_subscribeRuntimeVersion: 'state_getRuntimeVersion',
  state_subscribeStorage: 'state_queryStorageAt',
  chain_subscribeNewHead: 'chain_getHeader',
  chain_subscribeNewHeads: 'chain_getHeader',
};

class MemoryProvider {
  readonly hasSubscriptions = true;
  readonly isClonable = false;
  readonly isConnected = true;
  readonly #chain: TestChain;
  readonly #onDisconnected = new Set<() => void>();

  constructor(chain: TestChain) {
    this.#chain = chain;
  }

  clone(): this {
    return this;
  }

  async connect(): Promise<void> {}

  async disconnect(): Promise<void> {
    for (const listener of this.#onDisconnected) listener();
  }

  on(event: string, listener: () => void): () => void {
    if (event === 'disconnected') this.#onDisconnected.add(listener);
    return () => this.#onDisconnected.delete(listener);
  }

  async send<T>(method: string, params: unknown[]): Promise<T> {
    const handler = handlers[method];
    if (!handler) throw new Error(`-32601: no method ${method}`);
    return handler(this.#chain, params) as T;
  }

  async subscribe(
    _type: string,
    method: string,
    params: unknown[],
    callback: (error: null, value: unknown) => void,
  ) {
    const value = await this.send<unknown>(subscriptions[method] ?? method, params);
    queueMicrotask(() =>
      callback(null, method === 'state_subscribeStorage' ? (value as unknown[])[0] : value),
    );
    return 1;
  }

  async unsubscribe(): Promise<boolean> {
    return true;
  }
}

/** The dispatch error of a failed extrinsic event. */
interface FailedData {
  readonly asModule: Parameters<ApiPromise['registry']['findMetaError']>[0];
}

describe('@polkadot/api on this runtime', () => {
  let chain: TestChain;
  let api: ApiPromise;
  const keyring = () => new Keyring({ type: 'sr25519', ss58Format: 300 });

  before(async () => {
    await initCrypto();
    chain = new TestChain();
    chain.build();
    const provider = new MemoryProvider(chain) as unknown as NonNullable<
      ConstructorParameters<typeof ApiPromise>[0]
    >['provider'];
    api = await ApiPromise.create({ provider, noInitWarn: true } as ConstructorParameters<
      typeof ApiPromise
    >[0]);
  });
  after(() => api.disconnect());

  it('finds no dangling type in metadata 14 and 15', () => {
    for (const version of [14, 15] as const) {
      const registry = new TypeRegistry();
      const metadata = new Metadata(registry, toHex(chain.runtime.metadata(version)));
      registry.setMetadata(metadata);
      assert.equal(metadata.version, version);
      assert.ok(metadata.getUniqTypes(true).length > 0);
    }
  });

  it('reads constants, version and chain facts', () => {
    const { consts } = api;
    assert.equal(api.registry.chainSS58, 300);
    assert.equal(consts['balances']!['existentialDeposit']!.toString(), '500');
    assert.equal(consts['system']!['blockHashCount']!.toString(), String(BLOCK_HASH_COUNT));
    assert.equal(consts['system']!['ss58Prefix']!.toString(), '300');
    assert.equal(consts['proofOfGradient']!['maxSupply']!.toString(), (21_000_000n * ALICE_UNIT).toString());
    assert.equal(api.runtimeVersion.specVersion.toNumber(), SPEC_VERSION);
    assert.deepEqual(Object.keys(api.call).sort(), [
      'accountNonceApi',
      'aliceSessionApi',
      'core',
      'metadata',
      'taggedTransactionQueue',
      'transactionPaymentApi',
    ]);
    assert.deepEqual(api.registry.signedExtensions, [
      'CheckNonZeroSender',
      'CheckSpecVersion',
      'CheckTxVersion',
      'CheckGenesis',
      'CheckMortality',
      'CheckNonce',
      'CheckWeight',
      'ChargeTransactionPayment',
      'CheckMetadataHash',
    ]);
  });

  it('reads balances, in full', async () => {
    const { alice } = chain.people;
    const all = await api.derive.balances.all(alice.address);
    assert.equal(all.freeBalance.toString(), (1_000n * ALICE_UNIT).toString());
    assert.equal(all.availableBalance.toString(), (1_000n * ALICE_UNIT).toString());
    assert.equal(all.lockedBalance.toString(), '0');
    assert.equal(all.accountNonce.toNumber(), 0);
    const entries = await api.query['system']!['account']!.entries();
    assert.equal(entries.length, 4);
    assert.equal((await api.query['balances']!['totalIssuance']!()).toString(), chain.issuance.toString());
  });

  it('signs a transfer that the runtime accepts, and decodes what happened', async () => {
    const sender = keyring().addFromUri('//Alice');
    const transfer = api.tx['balances']!['transferKeepAlive']!(chain.people.carol.address, 7n * ALICE_UNIT);
    const before = chain.free(chain.people.alice);
    const { partialFee } = await transfer.paymentInfo(sender);
    await transfer.signAndSend(sender);
    assert.equal(chain.free(chain.people.carol), 7n * ALICE_UNIT);
    assert.equal(before - chain.free(chain.people.alice), 7n * ALICE_UNIT + partialFee.toBigInt());
    const records = (await api.query['system']!['events']!()) as unknown as Iterable<{
      event: { section: string; method: string; data: { toHuman(): unknown } };
    }>;
    const named = [...records].map(({ event }) => `${event.section}.${event.method}`);
    assert.deepEqual(named, [
      'system.ExtrinsicSuccess',
      'balances.Withdraw',
      'system.NewAccount',
      'balances.Endowed',
      'balances.Transfer',
      'balances.Deposit',
      'transactionPayment.TransactionFeePaid',
      'system.ExtrinsicSuccess',
    ]);
  });

  it('decodes a failed call by name', async () => {
    const sender = keyring().addFromUri('//Bob');
    await api.tx['balances']!['transferKeepAlive']!(
      chain.people.carol.address,
      5_000n * ALICE_UNIT,
    ).signAndSend(sender);
    const records = (await api.query['system']!['events']!()) as unknown as {
      event: { method: string; data: FailedData[] };
    }[];
    const failed = records.find(({ event }) => event.method === 'ExtrinsicFailed')!;
    const { section, name } = api.registry.findMetaError(failed.event.data[0]!.asModule);
    assert.equal(`${section}.${name}`, 'balances.InsufficientBalance');
  });

  it('is told why a forged or repeated transaction is refused', async () => {
    const sender = keyring().addFromUri('//Alice');
    const signed = await api.tx['balances']!['transferKeepAlive']!(chain.people.carol.address, 1n).signAsync(
      sender,
      { nonce: chain.account(chain.people.alice).nonce },
    );
    const bytes = signed.toU8a();
    bytes[60]! ^= 1;
    await assert.rejects(api.rpc.author.submitExtrinsic(bytes), /BadProof/);
    await api.rpc.author.submitExtrinsic(signed);
    await assert.rejects(api.rpc.author.submitExtrinsic(signed), /Stale/);
  });

  it('reads epochs, payouts and contributions', async () => {
    const { server, alice } = chain.people;
    const scores = [{ account: alice.publicKey, role: 'Training', score: 5_000_000_000n }];
    assert.equal(chain.run(server, reportOf(0, scores)), undefined);
    const gradient = api.query['proofOfGradient']!;
    const epoch = (await gradient['epochs']!(0)).toJSON() as { index: number; minted: string | number };
    assert.equal(epoch.index, 0);
    const [payout] = (await gradient['payouts']!(0)).toJSON() as {
      account: string;
      role: string;
      amount: unknown;
    }[];
    assert.equal(payout!.account, addressOf(alice.publicKey));
    assert.equal(payout!.role, 'Training');
    assert.equal(BigInt(payout!.amount as string), BigInt(epoch.minted));
    const contribution = (await gradient['contributions']!(alice.address)).toJSON() as { epochs: number };
    assert.equal(contribution.epochs, 1);
    const text = (await gradient['genesisText']!()) as unknown as { toUtf8(): string };
    assert.match(
      text.toUtf8(),
      /^OpenAI officially reaches deal with the Pentagon {2}\n.*\n2\/27\/2026\n\n800 million/,
    );
    assert.match(text.toUtf8(), /Alice – Trained by the people, from scratch\.$/);
  });

  it('builds the same call and extrinsic bytes as this package', () => {
    const { alice, carol } = chain.people;
    const own = chain.sign(alice, transferTo(carol, 3n, 'transfer_keep_alive'));
    const theirs = api.createType('Extrinsic', own);
    assert.equal(theirs.toHex(), toHex(own));
    assert.equal(theirs.method.section, 'balances');
    assert.equal(theirs.signer.toString(), alice.address);
    const entries = [{ account: carol.publicKey, role: 'Scoring', score: 2n ** 90n }];
    const report = chain.sign(alice, reportOf(3, entries));
    const decoded = api.createType('Extrinsic', report);
    assert.deepEqual(decoded.method.args[7]!.toJSON(), [
      { account: carol.address, role: 'Scoring', score: `0x${(2n ** 90n).toString(16).padStart(32, '0')}` },
    ]);
    assert.equal(chain.run(alice, callOf('System', 'remark', { remark: Uint8Array.of(1) })), undefined);
  });

  it('gets the same nonce, version and validity from the runtime APIs', async () => {
    const { alice } = chain.people;
    const nonce = await api.call['accountNonceApi']!['accountNonce']!(alice.address);
    assert.equal(Number(nonce.toString()), chain.account(alice).nonce);
    const version = (await api.call['core']!['version']!()).toJSON() as { specName: string };
    assert.equal(version.specName, 'alice');
    const own = chain.sign(alice, transferTo(chain.people.carol, 3n), { tip: 4n });
    const validity = (
      await api.call['taggedTransactionQueue']!['validateTransaction']!(
        'External',
        own,
        chain.hashes[chain.number],
      )
    ).toJSON();
    assert.equal((validity as { ok: { priority: number } }).ok.priority, 4);
    const fees = (await api.call['transactionPaymentApi']!['queryFeeDetails']!(own, own.length)).toJSON();
    assert.deepEqual(fees, {
      inclusionFee: {
        baseFee: 100_000_000,
        lenFee: 100_000 * own.length,
        adjustedWeightFee: Number(timeOf('Balances.transfer_allow_death') / 100n),
      },
      tip: 4,
    });
    assert.equal(chain.runtime.call(chain.view, 'No_such_api', new Uint8Array()), undefined);
    assert.throws(
      () => chain.runtime.call(chain.view, 'AccountNonceApi_account_nonce', Uint8Array.of(1)),
      /SCALE/,
    );
  });
});
