/** @file Drives the whole node, with the real runtime, through an unmodified `@polkadot/api`. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { fromHex, initCrypto, PLANCK_PER_ALICE, publicKeyOf, silentLogger, toHex } from '@alice/protocol';
import { ApiPromise, HttpProvider, Keyring, type SubmittableResult, WsProvider } from '@polkadot/api';
import type { ApiOptions } from '@polkadot/api/types';
import fc from 'fast-check';
import { type NodeOptions, type RunningNode, startNode } from './node.js';
import { scratchDirectory } from './testing/scratchChain.js';
import { testSpec } from './testing/testNetwork.js';
import { verifyProof } from './testing/verifyProof.js';

type Provider = NonNullable<ApiOptions['provider']>;
type Pair = ReturnType<Keyring['addFromUri']>;

const FIVE = 5n * PLANCK_PER_ALICE;
let node: RunningNode;
let api: ApiPromise;
let alice: Pair;
let bob: Pair;
let dave: Pair;
let eve: Pair;

const options = (dir: string, more: Partial<NodeOptions> = {}): NodeOptions => ({
  ...{ dir, spec: testSpec(), port: 0, blockTimeMs: 150, log: silentLogger },
  ...more,
});

before(async () => {
  await initCrypto();
  node = await startNode(options(scratchDirectory()));
  api = await connected(node.url);
  const keyring = new Keyring({ type: 'sr25519', ss58Format: 300 });
  const people = ['//Alice', '//Bob', '//Dave', '//Eve'].map((uri) => keyring.addFromUri(uri));
  [alice, bob, dave, eve] = people as [Pair, Pair, Pair, Pair];
});
after(async () => {
  await api?.disconnect();
  await node?.close();
});

// The providers' own types are not written for exactOptionalPropertyTypes.
const connected = (url: string): Promise<ApiPromise> =>
  ApiPromise.create({
    provider: new WsProvider(url) as unknown as Provider,
    throwOnConnect: true,
    noInitWarn: true,
  });

const transfer = (through: ApiPromise, to: string, planck: bigint) =>
  through.tx['balances']!['transferKeepAlive']!(to, planck);

/** The part of `system.account` that the tests look at. */
interface AccountInfo {
  readonly data: { readonly free: { toBigInt(): bigint } };
  toHex(): string;
}
type AccountQuery = (
  address: string,
  callback?: (account: AccountInfo) => void,
) => Promise<AccountInfo & (() => void)>;

const accountQuery = (from: { query: ApiPromise['query'] }): AccountQuery =>
  from.query['system']!['account'] as unknown as AccountQuery;

async function freeOf(address: string, from: ApiPromise = api): Promise<bigint> {
  return (await accountQuery(from)(address)).data.free.toBigInt();
}

async function issuance(): Promise<bigint> {
  return BigInt(String(await api.query['balances']!['totalIssuance']!()));
}

/** The order in which the chain wants accounts. */
const keyOf = (address: string): string => toHex(publicKeyOf(address));

/** Signs, sends and resolves with the result once final, and with the statuses in order. */
function sent(
  tx: ReturnType<typeof transfer>,
  signer: Pair,
): Promise<{ result: SubmittableResult; statuses: string[] }> {
  const statuses: string[] = [];
  return new Promise((resolve, reject) => {
    tx.signAndSend(signer, { nonce: -1 }, (result) => {
      statuses.push(result.status.type);
      if (result.isFinalized) resolve({ result, statuses });
      if (result.isError || result.internalError)
        reject(result.internalError ?? new Error(result.status.type));
    }).catch(reject);
  });
}

test('@polkadot/api connects unchanged and sees the chain as Alice describes it', async () => {
  assert.equal(api.registry.chainSS58, 300);
  assert.deepEqual(api.registry.chainDecimals, [12]);
  assert.deepEqual(api.registry.chainTokens, ['ALICE']);
  assert.equal(api.runtimeChain.toString(), 'Alice Test');
  assert.equal(api.genesisHash.toHex(), node.genesisHash);
  assert.equal(api.runtimeMetadata.version, 15);
  assert.equal(await freeOf(bob.address), 1000n * PLANCK_PER_ALICE);
});

test('a transfer is priced, signed, included, finalized; its events decode and the balances add up', async () => {
  const tx = transfer(api, dave.address, FIVE);
  const estimate = (await tx.paymentInfo(alice)).partialFee.toBigInt();
  const before = await freeOf(alice.address);
  const seen: bigint[] = [];
  const stop = await accountQuery(api)(dave.address, (account) => seen.push(account.data.free.toBigInt()));
  const { result, statuses } = await sent(tx, alice);
  // The client reads the events of each status first, and leaves one out that the next has overtaken.
  const overtaken = ['Ready', 'Finalized'];
  assert.deepEqual(statuses, statuses.includes('InBlock') ? ['Ready', 'InBlock', 'Finalized'] : overtaken);
  const names = result.events.map(({ event }) => `${event.section}.${event.method}`);
  for (const name of ['balances.Transfer', 'system.NewAccount', 'system.ExtrinsicSuccess'])
    assert.ok(names.includes(name), `${name} in ${names.join(' ')}`);
  const moved = result.findRecord('balances', 'Transfer')!.event.data;
  assert.deepEqual(moved.map(String), [alice.address, dave.address, FIVE.toString()]);
  assert.equal(await freeOf(alice.address), before - FIVE - estimate);
  assert.equal(await freeOf(dave.address), FIVE);
  assert.deepEqual([seen[0], seen.at(-1)], [0n, FIVE]);
  stop();
});

test('a call that fails is included, its error decodes, and only the fee is gone', async () => {
  const before = await freeOf(alice.address);
  const tx = transfer(api, bob.address, 10n ** 20n);
  const fee = (await tx.paymentInfo(alice)).partialFee.toBigInt();
  const { result } = await sent(tx, alice);
  const { section, name } = api.registry.findMetaError(result.dispatchError!.asModule);
  assert.equal(section, 'balances');
  assert.match(name, /InsufficientBalance|Expendability/);
  assert.equal(await freeOf(alice.address), before - fee);
});

test('quick transactions of one account do not collide on their nonces', async () => {
  const before = await freeOf(bob.address);
  const hashes = [];
  for (let i = 1n; i <= 5n; i++)
    hashes.push(await transfer(api, bob.address, FIVE + i).signAndSend(alice, { nonce: -1 }));
  assert.equal(new Set(hashes.map(String)).size, 5);
  await sent(transfer(api, bob.address, FIVE), alice);
  assert.equal(await freeOf(bob.address), before + 6n * FIVE + 15n);
});

test('a forged signature is refused with 1010, over WebSocket and HTTP alike', async () => {
  const tx = await transfer(api, bob.address, 1n).signAsync(alice, { nonce: -1 });
  const hex = tx.toHex();
  const forged = `${hex.slice(0, 100)}${hex[100] === '0' ? '1' : '0'}${hex.slice(101)}`;
  await assert.rejects(
    api.rpc.author.submitExtrinsic(forged),
    /1010: Invalid Transaction: Transaction has a bad signature/,
  );
  const response = await fetch(node.url.replace('ws', 'http'), {
    method: 'POST',
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'author_submitExtrinsic', params: [forged] }),
  });
  assert.equal(((await response.json()) as { error: { code: number } }).error.code, 1010);
});

test('HttpProvider serves queries and submissions', async () => {
  const provider = new HttpProvider(node.url.replace('ws', 'http'));
  const http = await ApiPromise.create({
    provider: provider as unknown as Provider,
    throwOnConnect: true,
    noInitWarn: true,
  });
  const before = await freeOf(bob.address);
  const hash = await transfer(http, bob.address, FIVE).signAndSend(alice);
  const status = await included(provider, hash.toHex());
  assert.equal(status.error, undefined);
  assert.equal(await freeOf(bob.address), before + FIVE);
  await http.disconnect();
});

/** Asks until the extrinsic is in a block. */
async function included(provider: HttpProvider, hash: string): Promise<{ status: string; error?: string }> {
  for (;;) {
    const status = await provider.send<{ status: string; error?: string }>('alice_extrinsicStatus', [hash]);
    if (status.status === 'included') return status;
    assert.equal(status.status, 'pool');
  }
}

test('older states read as they were, and a value is proven against the header', async () => {
  const head = (await api.rpc.chain.getBlockHash()).toHex();
  const before = await freeOf(dave.address);
  await sent(transfer(api, dave.address, FIVE), alice);
  const old = await api.at(head);
  const account = await accountQuery(old)(dave.address);
  assert.equal(account.data.free.toBigInt(), before);
  assert.equal(await freeOf(dave.address), before + FIVE);
  const key = api.query['system']!['account']!.key(dave.address);
  const { proof } = await api.rpc.state.getReadProof([key], head);
  const header = await api.rpc.chain.getHeader(head);
  const pieces = proof.map((piece) => fromHex(piece.toHex()));
  const proven = verifyProof(fromHex(header.stateRoot.toHex()), pieces, fromHex(key));
  assert.deepEqual(proven, { kind: 'present', value: fromHex(account.toHex()) });
  assert.equal(header.hash.toHex(), head, 'the block hash is the hash of the header');
  const entries = await api.query['system']!['account']!.entriesPaged({ args: [], pageSize: 2 });
  assert.equal(entries.length, 2);
});

test('what wallets derive works: blocks with their author-free extrinsics, and all balances', async () => {
  const block = await api.derive.chain.getBlock(await api.rpc.chain.getBlockHash());
  assert.equal(block.extrinsics[0]!.extrinsic.method.section, 'timestamp');
  const balances = await api.derive.balances.all(bob.address);
  assert.equal(balances.freeBalance.toBigInt(), await freeOf(bob.address));
});

test('an epoch report mints to its miners exactly what its event says', async () => {
  const { proofOfGradient } = api.tx;
  const before = await freeOf(dave.address);
  const issuanceBefore = await issuance();
  const hash = `0x${'11'.repeat(32)}`;
  const scores = [
    { account: dave.address, role: 'Training', score: 7 },
    { account: eve.address, role: 'Training', score: 3 },
  ].sort((a, b) => (keyOf(a.account) < keyOf(b.account) ? -1 : 1));
  const report = proofOfGradient!['submitEpoch']!(0, 0, 1, hash, 3_500_000_000n, 4, hash, scores);
  const { result } = await sent(report, bob);
  assert.equal(result.dispatchError, undefined);
  const [epoch, minted, payouts] = result.findRecord('proofOfGradient', 'EpochSettled')!.event.data;
  assert.deepEqual([String(epoch), String(payouts)], ['0', '2']);
  const earned = (await freeOf(dave.address)) - before;
  const total = earned + (await freeOf(eve.address));
  assert.equal(total, BigInt(String(minted)));
  assert.ok(total > 0n);
  assert.ok(
    earned * 10n - total * 7n <= 10n && earned * 10n - total * 7n >= -10n,
    'shared 7 to 3, to the planck',
  );
  assert.equal(await issuance(), issuanceBefore + total);
  const issued = await issuance();
  const again = await sent(report, bob);
  assert.equal(api.registry.findMetaError(again.result.dispatchError!.asModule).name, 'EpochAlreadySettled');
  assert.equal(await issuance(), issued, 'an epoch is paid once');
});

test('no runtime API call and no extrinsic bytes, however odd, go without a coded answer', async () => {
  const apis = [
    ...['Core_version', 'Core_execute_block', 'Metadata_metadata', 'Metadata_metadata_versions'],
    ...[
      'Metadata_metadata_at_version',
      'AccountNonceApi_account_nonce',
      'TaggedTransactionQueue_validate_transaction',
    ],
    ...['TransactionPaymentApi_query_info', 'TransactionPaymentApi_query_fee_details'],
  ];
  const good = (await transfer(api, bob.address, 1n).signAsync(alice, { nonce: 0 })).toU8a();
  const mutated = fc
    .tuple(fc.nat(good.length - 1), fc.nat(255))
    .map(([at, byte]) => good.map((b, i) => (i === at ? byte : b)));
  const bytes = fc
    .oneof(fc.uint8Array({ maxLength: 60 }), fc.constant(new Uint8Array(60).fill(0xfe)), mutated)
    .map(toHex);
  const requests = fc.oneof(
    fc
      .tuple(fc.constantFrom(...apis), bytes)
      .map(([name, data]) => ({ method: 'state_call', params: [name, data] })),
    fc
      .tuple(fc.constantFrom('author_submitExtrinsic', 'payment_queryInfo', 'payment_queryFeeDetails'), bytes)
      .map(([method, data]) => ({ method, params: [data] })),
  );
  await fc.assert(
    fc.asyncProperty(requests, async (request) => {
      const body = JSON.stringify({ jsonrpc: '2.0', id: 1, ...request });
      const response = await fetch(node.url.replace('ws', 'http'), { method: 'POST', body });
      const reply = (await response.json()) as { result?: unknown; error?: { code: number } };
      assert.ok(
        reply.result !== undefined || [1010, 1013, 1014, 4003].includes(reply.error!.code),
        JSON.stringify({ request, reply }),
      );
    }),
    { numRuns: 300 },
  );
});

test('the directory, the port and the genesis are guarded with codes', async () => {
  const dir = scratchDirectory();
  const first = await startNode(options(dir));
  await assert.rejects(startNode(options(dir)), { code: 'NODE_DIR_LOCKED' });
  const other = scratchDirectory();
  await assert.rejects(startNode(options(other, { port: first.port })), { code: 'PORT_BUSY' });
  await first.close();
  const spec = { ...testSpec(), chainName: 'Another' };
  await assert.rejects(startNode(options(dir, { spec })), { code: 'GENESIS_MISMATCH' });
  await assert.rejects(startNode(options(dir, { spec: { ...spec, chainName: '' } })), {
    code: 'CHAIN_SPEC_INVALID',
  });
  const again = await startNode(options(dir));
  assert.equal(again.genesisHash, first.genesisHash);
  await again.close();
  const freed = await startNode(options(other));
  await freed.close();
});

test('after kill -9 a restarted node has every final block and balance, and goes on', async () => {
  const dir = scratchDirectory();
  const script = fileURLToPath(new URL('./testing/runNode.js', import.meta.url));
  const child = spawn(process.execPath, [script, dir], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const [url] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  const doomed = await connected(url);
  const { result } = await sent(transfer(doomed, dave.address, FIVE), alice);
  const block = result.status.asFinalized.toHex();
  const balances = await Promise.all([alice, bob, dave].map(({ address }) => freeOf(address, doomed)));
  child.kill('SIGKILL');
  await exited;
  await doomed.disconnect();

  const restarted = await startNode(options(dir));
  const survivor = await connected(restarted.url);
  assert.equal(survivor.genesisHash.toHex(), restarted.genesisHash);
  const { number } = await survivor.rpc.chain.getHeader(block);
  assert.equal((await survivor.rpc.chain.getBlockHash(number.toNumber())).toHex(), block);
  assert.deepEqual(
    await Promise.all([alice, bob, dave].map(({ address }) => freeOf(address, survivor))),
    balances,
  );
  await sent(transfer(survivor, dave.address, FIVE), alice);
  assert.equal(await freeOf(dave.address, survivor), 2n * FIVE);
  await survivor.disconnect();
  await restarted.close();
});
