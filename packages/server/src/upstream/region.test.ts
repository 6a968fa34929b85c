/**
 * @file An upstream and a region in one process, over real HTTP, with played miners and scorers: the way of a round up and
 * of its pay down, a region that dies in between, an upstream that is away, and regions that lie.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import {
  initCrypto,
  type KeyPair,
  keyPairFromSecret,
  type RegionClaim,
  type RegionReceipt,
  regionClaimMessage,
  registrationMessage,
  type Submission,
  toHex,
  verifyVersion,
} from '@alice/protocol';
import type { ServerCore } from '../ServerCore.js';
import { latestVersion } from '../state/versions.js';
import { submissionFor, TestClient } from '../testing/TestClient.js';
import { createTinyNetwork, type TinyNetwork } from '../testing/tinyNetwork.js';

await initCrypto();
const keyOf = (name: string): KeyPair => keyPairFromSecret(`//${name}`);

describe('a region and its upstream', () => {
  let network: TinyNetwork;
  let upstream: ServerCore;
  let upstreamScorer: TestClient;
  let regionOptions: Parameters<TinyNetwork['open']>[0];
  const regionKey = () => keyOf('region');

  before(async () => {
    network = await createTinyNetwork();
    network.clock.nowMs = Date.now();
    upstream = await network.open({ regions: [regionKey().address, keyOf('liar').address] });
    await upstream.app.listen({ port: 0, host: '127.0.0.1' });
    upstreamScorer = await new TestClient(upstream, network.scorer, 'scorer').register();
    await upstreamScorer.scoreAll();
    regionOptions = {
      dir: join(network.dir, 'region'),
      serverKey: regionKey(),
      upstream: { url: `http://127.0.0.1:${portOf(upstream)}` },
    };
  });
  after(async () => {
    await upstream?.close();
    network?.remove();
  });

  describe('together', () => {
    const names = ['amy', 'ben', 'cid', 'dot'];
    let region: ServerCore;
    let miners: TestClient[];
    let scorer: TestClient;
    let sent: Submission[];
    /** Of a miner that works for the upstream in the same round. */
    let both: TestClient;
    let bothSent: Submission;

    before(async () => {
      region = await network.open(regionOptions);
      miners = [];
      for (const name of names)
        miners.push(await new TestClient(() => region, keyOf(name)).register(keyOf(`${name}/pay`).address));
      scorer = await new TestClient(() => region, network.scorer, 'scorer').register();
      await region.coordinator.step();
    });
    after(() => region?.close());

    it("gives the upstream's model and rows under the region's own signature", async () => {
      const theirs = (await upstreamScorer.call('latestVersion')).body;
      const ours = (await miners[0]!.call('latestVersion')).body;
      assert.equal(ours.stateRoot, theirs.stateRoot);
      assert.deepEqual(ours.snapshot, theirs.snapshot);
      assert.ok(verifyVersion(ours, network.chain.genesis, regionKey().address));
      const task = await miners[0]!.task();
      const direct = await (await new TestClient(upstream, keyOf('amy')).register()).task();
      assert.deepEqual(
        [task.round, task.version, task.ranges, task.seed, task.settings],
        [direct.round, direct.version, direct.ranges, direct.seed, direct.settings],
      );
      await upstream.context.db.query('DELETE FROM tasks WHERE task_id = $1', [direct.taskId]);
    });

    it('waits, and says so, while the upstream is away; a region that died goes on with its round', async () => {
      sent = [];
      for (const [i, miner] of miners.entries()) sent.push(await miner.contribute(names[i]!));
      both = await new TestClient(() => region, keyOf('zoe')).register();
      bothSent = await both.contribute('zoe');
      await (await new TestClient(upstream, keyOf('zoe')).register()).task();
      upstream.app.server.closeAllConnections();
      await new Promise<void>((resolve) => upstream.app.server.close(() => resolve()));
      await scorer.scoreAll();
      assert.equal(await stage(region), 'fixed');
      const { alarms } = (await miners[0]!.call('status')).body;
      assert.deepEqual(
        alarms.map(({ code }: { code: string }) => code),
        ['UPSTREAM_UNREACHABLE'],
      );
      await region.abandon();
      const port = Number(new URL(regionOptions!.upstream!.url).port);
      await new Promise<void>((resolve) => upstream.app.server.listen(port, '127.0.0.1', resolve));
      region = await network.open(regionOptions);
      await region.coordinator.step();
      assert.equal(await stage(region), 'sent');
      assert.equal((await miners[0]!.submission(sent[0]!.submissionId)).status, 'accepted');
      assert.equal((await both.submission(bothSent.submissionId)).code, 'RECEIPT_TAKEN');
      await upstream.context.db.query(`UPDATE tasks SET status = 'expired' WHERE address = $1`, [
        keyOf('zoe').address,
      ]);
    });

    it('sends two submissions whole and the mean of the others as one, which counts as two', async () => {
      const direct = await new TestClient(upstream, keyOf('eve')).register();
      await direct.contribute('eve');
      const kinds = await upstreamScorer.scoreAll();
      assert.equal(kinds.filter((kind) => kind === 'submission').length, 4);
      const { body: fold } = await direct.call('fold', { params: { version: '1' } });
      assert.deepEqual(
        fold.submissions.map((entry: { members?: number }) => entry.members ?? 1).sort(),
        [1, 1, 1, 2],
      );
    });

    it('takes a version whole when its own copy of the one before is damaged', async () => {
      const { blobs, db } = region.context;
      const { master } = (await latestVersion(db))!;
      await blobs.delete(master!.hash);
      await region.coordinator.step();
      const { body: taken } = await miners[0]!.call('latestVersion');
      const { body: published } = await upstreamScorer.call('latestVersion');
      assert.deepEqual(
        [taken.version, taken.stateRoot, taken.snapshot],
        [1, published.stateRoot, published.snapshot],
      );
    });

    it("pays each miner at its own address, as much as the upstream's own, and tells the miner", async () => {
      await region.coordinator.step();
      network.clock.nowMs += 120_000;
      await upstream.stepEpoch();
      const paid = new Map(
        (await network.chain.payouts(0)).map(({ address, scoreNanoNats }) => [address, scoreNanoNats]),
      );
      const own = paid.get(keyOf('eve').address)!;
      for (const [i, name] of names.entries()) {
        const score = paid.get(keyOf(`${name}/pay`).address)!;
        assert.ok(score > (own * 8n) / 10n && score < (own * 12n) / 10n, `${name}: ${score} of ${own}`);
        const { status, score: told } = await miners[i]!.submission(sent[i]!.submissionId);
        assert.deepEqual([status, told], ['accepted', score.toString()]);
      }
      assert.equal(paid.size, 5);
      await region.stepEpoch();
      const { epochs } = (await miners[0]!.call('status')).body;
      assert.equal(epochs[0].payouts.length, 5);
    });
  });

  describe('that lies', () => {
    const liar = keyOf('liar');
    let call: TestClient;
    let task: Awaited<ReturnType<TestClient['task']>>;

    before(async () => {
      call = await new TestClient(upstream, liar, 'miner', 'region').register();
      task = await call.task();
    });

    /** A receipt as an honest region would sign it, but for the changes. */
    const receiptOf = (
      name: string,
      changes: Partial<RegionClaim> = {},
      { signer = liar, miner = keyOf(name) } = {},
    ): RegionReceipt => {
      const { address } = keyOf(name);
      const claim: RegionClaim = {
        format: 'alice-region-claim-1',
        networkId: network.chain.genesis,
        regionId: liar.address,
        submissionId: `of-${name}`,
        ...{ address, instance: 'a', rewardAddress: address, round: task.round, baseVersion: task.version },
        blob: { hash: `0x${'00'.repeat(32)}`, sizeBytes: 100 },
        ...{ steps: 2, tokens: 64, verifiedTokens: 64, gainNats: 0.05, score: '50000000' },
        ...changes,
      };
      const challenge = `0x${'07'.repeat(32)}`;
      const consent = registrationMessage({
        ...{ networkId: claim.networkId, serverId: liar.address, role: 'miner', challenge },
        ...{ address, instance: 'a', rewardAddress: claim.rewardAddress },
      });
      return {
        claim,
        signature: toHex(signer.sign(regionClaimMessage(claim))),
        consent: { challenge, signature: toHex(miner.sign(consent)) },
      };
    };
    const hold = async (...receipts: RegionReceipt[]) => {
      const { status, body } = await call.call('regionReceipts', {
        params: { taskId: task.taskId },
        body: { receipts },
      });
      return [status, body.code ?? body.held];
    };
    const commit = async (count: number): Promise<string[]> => {
      const { body } = await call.call('regionCommit', { params: { taskId: task.taskId }, body: { count } });
      return body.audits;
    };

    it('is refused receipts that are forged, of strangers, too large, or counted already', async () => {
      assert.deepEqual(await hold(receiptOf('fay', {}, { signer: keyOf('fay') })), [403, 'RECEIPT_FORGED']);
      const stranger = receiptOf('fay', {}, { miner: liar });
      assert.deepEqual(await hold(stranger), [403, 'RECEIPT_MINER_UNKNOWN']);
      const redirected = receiptOf('fay', { rewardAddress: liar.address });
      redirected.consent.signature = receiptOf('fay').consent.signature;
      assert.deepEqual(await hold(redirected), [403, 'RECEIPT_MINER_UNKNOWN']);
      assert.deepEqual(await hold(receiptOf('fay', { tokens: 65 })), [400, 'RECEIPT_INVALID']);
      assert.deepEqual(await hold(receiptOf('fay', { steps: 3 })), [400, 'RECEIPT_INVALID']);
      assert.deepEqual(await hold(receiptOf('fay', { verifiedTokens: 65 })), [400, 'RECEIPT_INVALID']);
      assert.deepEqual(await hold(receiptOf('fay', { round: task.round + 1 })), [400, 'RECEIPT_INVALID']);
      assert.deepEqual(await hold(receiptOf('fay'), receiptOf('fay', { submissionId: 'again' })), [
        409,
        'RECEIPT_TAKEN',
      ]);
      const eve = await new TestClient(upstream, keyOf('eve')).register();
      await eve.task();
      assert.deepEqual(await hold(receiptOf('eve')), [409, 'RECEIPT_TAKEN']);
    });

    it('is refused by whoever is no region', async () => {
      const eve = await new TestClient(upstream, keyOf('eve')).register();
      const { status, body } = await eve.call('regionCommit', {
        params: { taskId: task.taskId },
        body: { count: 0 },
      });
      assert.deepEqual([status, body.code], [403, 'ROLE_FORBIDDEN']);
    });

    it('cannot add to what it has committed to, nor send other bytes than its receipts name', async () => {
      const bytes = await submissionFor(task, upstream.context.layout, { seed: 'of the liar' });
      for (const name of ['fay', 'gus', 'hal', 'ida']) assert.equal((await hold(receiptOf(name)))[0], 200);
      const audits = await commit(4);
      assert.equal(audits.length, 2);
      assert.deepEqual(await commit(4), audits);
      assert.deepEqual(await hold(receiptOf('jim')), [200, 4]);
      const send = async (submissionId: string) => {
        const params = { taskId: task.taskId, submissionId };
        return (await call.call('regionAudit', { params, body: bytes })).body.code;
      };
      assert.equal(await send(audits[0]!), 'AUDIT_WRONG');
      const other = ['fay', 'gus', 'hal', 'ida']
        .map((name) => `of-${name}`)
        .find((id) => !audits.includes(id))!;
      assert.equal(await send(other), 'AUDIT_UNKNOWN');
    });

    it('earns nothing with a contribution that helps, when none of the audited submissions exists', async () => {
      const { submissionId } = await call.answerTask(task, 'of the liar');
      await upstreamScorer.scoreAll();
      const { status, code, score } = await call.submission(submissionId);
      assert.deepEqual([status, code, score], ['refused', 'AUDIT_FAILED', '0']);
      const { body } = await call.call('regionCredits', { params: { taskId: task.taskId } });
      assert.deepEqual([body.status, body.code], ['refused', 'AUDIT_FAILED']);
    });
  });
});

function portOf(core: ServerCore): number {
  return (core.app.server.address() as { port: number }).port;
}

async function stage({ context }: ServerCore): Promise<string | undefined> {
  const [row] = await context.db.query<{ stage: string }>(
    'SELECT stage FROM region_rounds ORDER BY round DESC LIMIT 1',
  );
  return row?.stage;
}
