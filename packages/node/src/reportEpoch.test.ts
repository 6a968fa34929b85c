/**
 * @file Epoch reports of thousands of payees against a real chain: in pages, cut off after every call in turn, and gone
 * on with by a new process. Everybody is paid once and exactly, and a small report still takes one call.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  type Address,
  addressOf,
  ChainClient,
  type EpochReport,
  type EpochScore,
  type HexString,
  initCrypto,
  type KeyPair,
  keyPairFromSecret,
  orderedScores,
  reportEpoch,
  sha256,
  silentLogger,
  utf8,
} from '@alice/protocol';
import { type RunningNode, startNode } from './node.js';
import { scratchDirectory } from './testing/scratchChain.js';
import { testSpec } from './testing/testNetwork.js';

/** Three pages: with the first and the last call, five. */
const PAYEES = 2_100;
const CALLS = 5;
const WAIT_MS = 120_000;

let node: RunningNode;
let server: KeyPair;
let payees: Address[];
before(async () => {
  await initCrypto();
  const options = { dir: scratchDirectory(), spec: testSpec(), port: 0, blockTimeMs: 50, log: silentLogger };
  node = await startNode(options);
  server = keyPairFromSecret('//Bob');
  payees = Array.from({ length: PAYEES }, (_, i) => addressOf(sha256(utf8.encode(`payee ${i}`))));
});
after(() => node?.close());

/** A client; with `calls` one whose connection is gone for good after it has submitted so many. */
function clientOf(calls = Number.POSITIVE_INFINITY): ChainClient {
  let submitted = 0;
  const cutOff: typeof fetch = (url, init) => {
    const isSubmission = String(init?.body).includes('author_submitExtrinsic');
    if (submitted >= calls || (isSubmission && submitted++ >= calls)) throw new TypeError('killed');
    return fetch(url, init);
  };
  return new ChainClient({ url: node.url, pollMs: 20 }, { fetch: cutOff });
}

const root: HexString = `0x${'22'.repeat(32)}`;
const reportOf = (epoch: number, scores: readonly EpochScore[]): EpochReport => ({
  ...{ epoch, fromVersion: 0, toVersion: 1, stateRoot: root, heldOutLossNanoNats: 3n },
  ...{ shardsCovered: 4, receiptsRoot: root, scores },
});
const manyScores = (epoch: number): EpochScore[] =>
  payees.map((address, i) => ({
    address,
    role: 'training',
    scoreNanoNats: BigInt(1 + ((i * 7_919 + epoch) % 1_009)),
  }));
const report = (client: ChainClient, what: EpochReport): Promise<void> =>
  reportEpoch(client, server, { report: what, timeoutMs: WAIT_MS });

async function settled(client: ChainClient, epoch: number): Promise<void> {
  while ((await client.currentEpoch()) <= epoch) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** Everyone in the report has a payout of exactly its share of what the epoch minted, and the money. */
async function checkPaid(
  client: ChainClient,
  { epoch, scores }: EpochReport,
  paidBefore: bigint,
): Promise<bigint> {
  const info = (await client.epoch(epoch))!;
  const payouts = await client.payouts(epoch);
  assert.deepEqual(
    payouts.map(({ address, scoreNanoNats }) => [address, scoreNanoNats]),
    orderedScores(scores, PAYEES).map(({ address, scoreNanoNats }) => [address, scoreNanoNats]),
  );
  const minted = payouts.reduce((sum, { amountPlanck }) => sum + amountPlanck, 0n);
  assert.equal(minted, info.mintedPlanck);
  const total = scores.reduce((sum, { scoreNanoNats }) => sum + scoreNanoNats, 0n);
  for (const { scoreNanoNats, amountPlanck } of payouts) {
    const exact = (minted * scoreNanoNats) / total;
    assert.ok(amountPlanck === exact || amountPlanck === exact + 1n);
  }
  const [first] = payouts;
  const paid = paidBefore + first!.amountPlanck;
  assert.equal((await client.account(first!.address)).freePlanck, paid);
  assert.equal((await client.contribution(first!.address))!.totalPaidPlanck, paid);
  return paid;
}

test('a large report that is cut off after any call is gone on with, and nobody is paid twice', async () => {
  const client = clientOf();
  let paid = 0n;
  for (let calls = 0; calls < CALLS; calls++) {
    const what = reportOf(calls, manyScores(calls));
    await assert.rejects(report(clientOf(calls), what), { code: 'CHAIN_UNREACHABLE' });
    const issued = await client.totalIssuance();
    await report(client, what);
    await settled(client, what.epoch);
    paid = await checkPaid(client, what, paid);
    const minted = (await client.epoch(what.epoch))!.mintedPlanck;
    assert.equal((await client.totalIssuance()) - issued, minted);
    assert.equal((await client.account(server.address)).nonce, (calls + 1) * CALLS, 'no call was sent twice');
    await report(client, what);
    assert.equal(
      (await client.account(server.address)).nonce,
      (calls + 1) * CALLS,
      'settled: nothing to send',
    );
  }
});

test('a small report takes one call, and pages of another report are given up for it', async () => {
  const client = clientOf();
  const epoch = await client.currentEpoch();
  const other = reportOf(epoch, manyScores(99));
  await assert.rejects(report(clientOf(2), other));
  await client.waitUntilPoolHasNone(server.address, { timeoutMs: WAIT_MS });
  assert.equal((await client.openEpoch())?.pages, 1);
  const before = (await client.account(server.address)).nonce;
  const small = reportOf(epoch, manyScores(7).slice(0, 3));
  await report(client, small);
  assert.equal((await client.account(server.address)).nonce, before + 2, 'one to give up, one to report');
  assert.equal((await client.payouts(epoch)).length, 3);
  await report(client, reportOf(epoch + 1, manyScores(8).slice(0, 3)));
  assert.equal((await client.account(server.address)).nonce, before + 3);
});

test('pages on the chain that differ in any score or fact are not gone on with', async () => {
  const client = clientOf();
  const epoch = await client.currentEpoch();
  const scores = manyScores(1);
  await assert.rejects(report(clientOf(2), reportOf(epoch, scores)));
  await client.waitUntilPoolHasNone(server.address, { timeoutMs: WAIT_MS });
  const [low] = orderedScores(scores, PAYEES);
  const changed = scores.map((entry) =>
    entry.address === low!.address ? { ...entry, scoreNanoNats: entry.scoreNanoNats + 1n } : entry,
  );
  const before = (await client.account(server.address)).nonce;
  await report(client, reportOf(epoch, changed));
  assert.equal((await client.account(server.address)).nonce, before + 1 + CALLS, 'given up, then all of it');
  await settled(client, epoch);
  const payouts = await client.payouts(epoch);
  assert.equal(payouts[0]!.scoreNanoNats, low!.scoreNanoNats + 1n);
});
