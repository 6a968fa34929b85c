/** @file The whole way of a contribution through the routes: register, task, submission, scores, version, payment. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  applySetDelta,
  assembleSnapshot,
  decodeSetDelta,
  halvesOfBytes,
  type Submission,
  stateRoot,
  verifyVersion,
} from '@alice/protocol';
import type { ServerCore } from './ServerCore.js';
import { TestClient } from './testing/TestClient.js';
import { createTinyNetwork, type TinyNetwork } from './testing/tinyNetwork.js';

describe('a contribution through the routes', () => {
  let network: TinyNetwork;
  let core: ServerCore;
  let miner: TestClient;
  let other: TestClient;
  let scorer: TestClient;

  before(async () => {
    network = await createTinyNetwork();
    core = await network.open();
    miner = await new TestClient(core, network.miner).register();
    other = await new TestClient(core, network.otherMiner).register();
    scorer = await new TestClient(core, network.scorer, 'scorer').register();
  });
  after(async () => {
    await core.close();
    network.remove();
  });

  it('measures version 0, merges two submissions and publishes version 1', async () => {
    const sent: Submission[] = [await miner.contribute('one'), await other.contribute('two')];
    assert.deepEqual(
      sent.map(({ status }) => status),
      ['queued', 'queued'],
    );
    assert.deepEqual(await scorer.scoreAll(), ['baseline', 'submission', 'submission', 'candidate']);
    const latest = (await miner.call('latestVersion')).body;
    assert.equal(latest.version, 1);
    assert.equal(latest.acceptedSubmissions, 2);
    assert.equal(latest.trainedTokens, 2 * 2 * 2 * 16);
    assert.equal(latest.uplinkBytes, sent[0]!.sizeBytes + sent[1]!.sizeBytes);
    assert.ok(verifyVersion(latest, network.chain.genesis, network.options.serverKey.address));
    assert.ok(Math.abs(latest.heldOutLossNats - 4.95) < 0.05, `${latest.heldOutLossNats}`);
    const mine = await miner.submission(sent[0]!.submissionId);
    assert.equal(mine.status, 'accepted');
    assert.ok(Math.abs(mine.gainNats! - 0.05) < 0.005, `${mine.gainNats}`);
    assert.ok(BigInt(mine.score) > 0n);
  });

  it('serves snapshots and set-deltas that lead to the published state root', async () => {
    const { layout } = core.context;
    const [first, second] = [
      (await miner.call('version', { params: { version: '0' } })).body,
      (await miner.call('latestVersion')).body,
    ];
    const halvesAt = async (manifest: typeof first): Promise<Uint16Array> => {
      const parts: Uint8Array[] = [];
      for (const { hash } of manifest.snapshot.chunks)
        parts.push((await miner.call('blob', { params: { hash } })).bytes);
      return halvesOfBytes(assembleSnapshot(manifest.snapshot, parts));
    };
    const halves = await halvesAt(first);
    assert.equal(stateRoot(halves, layout), first.stateRoot);
    assert.equal(stateRoot(await halvesAt(second), layout), second.stateRoot);
    const blob = await miner.call('blob', { params: { hash: second.setDelta.hash } });
    const delta = await decodeSetDelta(blob.bytes, { layout });
    assert.deepEqual(delta.header, {
      fromVersion: 0,
      toVersion: 1,
      fromRoot: first.stateRoot,
      toRoot: second.stateRoot,
    });
    assert.ok(applySetDelta(halves, delta) > 0);
    assert.equal(stateRoot(halves, layout), second.stateRoot);
  });

  it('pays exactly the sum of the scores, once', async () => {
    network.clock.nowMs += network.options.epochMs;
    await core.stepEpoch();
    await core.stepEpoch();
    assert.equal(network.chain.submitted.length, 1);
    const [report] = network.chain.submitted;
    const rows = await core.context.db.query<{ reward_address: string; score: string; epoch: number }>(
      'SELECT * FROM submissions',
    );
    assert.deepEqual(
      rows.map(({ epoch }) => epoch),
      [0, 0],
    );
    for (const { address } of [network.miner, network.otherMiner]) {
      const owed = rows
        .filter((row) => row.reward_address === address)
        .reduce((sum, row) => sum + BigInt(row.score), 0n);
      const paid = report!.scores.find((entry) => entry.role === 'training' && entry.address === address)!;
      assert.equal(paid.scoreNanoNats, owed);
    }
    const scoring = report!.scores.find(({ role }) => role === 'scoring')!;
    assert.deepEqual(scoring, { address: network.scorer.address, role: 'scoring', scoreNanoNats: 16n * 4n });
    const status = (await miner.call('status')).body;
    assert.equal(status.epochs.length, 1);
    assert.equal(status.versions.length, 2);
    assert.equal(status.rounds.applied, 1);
    assert.deepEqual(status.alarms, []);
  });
});
