/** @file Rounds that do not go smoothly: roll-back, refusals, stragglers, scorers that die, stale work, pruning. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { ScoringJob } from '@alice/protocol';
import type { ServerCore } from '../ServerCore.js';
import { submissionFor, TestClient } from '../testing/TestClient.js';
import { createTinyNetwork, type TinyNetwork } from '../testing/tinyNetwork.js';

describe('rounds', () => {
  let network: TinyNetwork;
  let core: ServerCore;
  let miner: TestClient;
  let other: TestClient;
  let scorer: TestClient;

  beforeEach(async () => {
    network = await createTinyNetwork({
      limits: {
        snapshotsKept: 2,
        mastersKept: 2,
        setDeltasKept: 3,
        submissionVersionsKept: 2,
        jobAttempts: 2,
      },
    });
    core = await network.open();
    miner = await new TestClient(() => core, network.miner).register();
    other = await new TestClient(() => core, network.otherMiner).register();
    scorer = await new TestClient(() => core, network.scorer, 'scorer').register();
    await scorer.scoreAll();
  });
  afterEach(async () => {
    await core.close();
    network.remove();
  });

  const status = async () => (await miner.call('status')).body;
  const alarms = async () => (await status()).alarms.map(({ code }: { code: string }) => code);

  it('rolls a round back when the merged model is worse, pays nothing, says why and goes on', async () => {
    const { submissionId } = await miner.contribute('bad together');
    const worse = (job: ScoringJob): number => (job.kind === 'candidate' ? -0.02 : 0.05);
    assert.deepEqual(await scorer.scoreAll(worse), ['submission', 'candidate']);
    const refused = await miner.submission(submissionId);
    assert.deepEqual([refused.status, refused.code, refused.score], ['refused', 'ROUND_ROLLED_BACK', '0']);
    assert.ok(Math.abs(refused.gainNats! - 0.05) < 0.005, 'what was measured is kept');
    const after = await status();
    assert.deepEqual(after.rounds, { applied: 0, rolledBack: 1 });
    assert.equal(after.versions.length, 1);
    assert.deepEqual(await alarms(), ['ROUND_ROLLED_BACK']);
    assert.match(after.alarms[0].message, /loss-rose/);
    network.clock.nowMs += network.options.epochMs;
    await core.stepEpoch();
    assert.equal(network.chain.submitted.length, 0);
    await miner.contribute('better');
    await scorer.scoreAll();
    assert.deepEqual((await status()).rounds, { applied: 1, rolledBack: 1 });
    assert.deepEqual(await alarms(), []);
  });

  it('refuses what does not help, raises the alarm when that is all, and opens the next round', async () => {
    const gains = new Map([[(await miner.contribute('harmful')).submissionId, -0.05]]);
    await scorer.scoreAll(() => -0.05);
    const [id] = [...gains.keys()];
    const refused = await miner.submission(id!);
    assert.deepEqual([refused.status, refused.code], ['refused', 'NOT_HELPFUL']);
    assert.ok(refused.gainNats! < -0.04);
    assert.deepEqual(await alarms(), ['ROUND_ALL_REFUSED']);
    const task = await miner.task();
    assert.deepEqual([task.round, task.version], [1, 0]);
  });

  it('looks again when the sign is unclear, then calls it noise', async () => {
    const { submissionId } = await miner.contribute('nothing');
    const kinds = await scorer.scoreAll(() => 0);
    assert.deepEqual(kinds, ['submission', 'submission'], 'two looks of 16 rows are the budget');
    assert.equal((await miner.submission(submissionId)).code, 'NOISE');
    const batches = await core.context.db.query<{ batch_id: string }>(
      `SELECT DISTINCT batch_id FROM jobs WHERE kind = 'submission'`,
    );
    assert.equal(batches.length, 2, 'each look has rows of its own');
  });

  it('refuses a delta that breaks the model', async () => {
    const { submissionId } = await miner.contribute('explosive');
    await scorer.scoreAll(() => null);
    assert.equal((await miner.submission(submissionId)).code, 'NOT_FINITE');
  });

  it('closes at the time limit without a straggler, and merges the straggler into the next version', async () => {
    await core.close();
    core = await network.open({ round: { ...network.options.round, maxRoundMs: 5_000 } });
    const late = await other.task();
    await miner.contribute('on time');
    await scorer.scoreAll();
    assert.equal((await status()).versions.length, 1, 'the round waits for the open task');
    network.clock.nowMs += 5_000;
    assert.deepEqual(await scorer.scoreAll(), ['candidate']);
    assert.equal((await status()).versions.length, 2, 'the time limit closed it');
    const { submissionId } = (
      await other.submit(late, await submissionFor(late, core.context.layout, { seed: 'late' }))
    ).body;
    await core.coordinator.step();
    const job = (await scorer.job())!;
    assert.deepEqual([job.kind, job.version], ['submission', 1], 'it is scored on the current version');
    await scorer.answer(job, { before: 5, gain: 0.05 });
    await scorer.scoreAll();
    assert.equal((await other.submission(submissionId)).status, 'accepted');
    assert.deepEqual(
      (await status()).versions.map((point: { acceptedSubmissions: number }) => point.acceptedSubmissions),
      [0, 1, 2],
    );
  });

  it('has a candidate that changed more than a set-delta can say scored and published by its snapshot', async () => {
    await miner.contribute('dense');
    await core.coordinator.step();
    await scorer.answer((await scorer.job())!, { before: 5, gain: 0.05 });
    await core.coordinator.step();
    // As a fold of a larger model leaves it.
    await core.context.db.query(
      `UPDATE rounds SET candidate = jsonb_set(candidate, '{setDelta}', 'null') WHERE status = 'candidate'`,
    );
    await core.context.db.query(`UPDATE jobs SET blob = NULL WHERE kind = 'candidate'`);
    const job = (await scorer.job())!;
    assert.deepEqual([job.kind, job.blob], ['candidate', null]);
    const { hash, sizeBytes } = job.snapshot!.chunks[0]!;
    const fetched = async (client: TestClient) => client.call('blob', { params: { hash } });
    assert.equal((await fetched(scorer)).bytes.length, sizeBytes);
    assert.equal((await fetched(miner)).status, 404, 'not published yet');
    await scorer.answer(job, { before: 5, gain: 0.05 });
    await scorer.scoreAll();
    const latest = (await miner.call('latestVersion')).body;
    assert.deepEqual([latest.version, latest.setDelta, latest.snapshot.chunks[0].hash], [1, null, hash]);
    assert.equal((await fetched(miner)).status, 200);
  });

  it('refuses work that is two versions old', async () => {
    await core.close();
    core = await network.open({ round: { ...network.options.round, windowMs: 100_000, maxRoundMs: 5_000 } });
    const old = await other.task();
    for (const seed of ['first', 'second']) {
      await miner.contribute(seed);
      network.clock.nowMs += 5_000;
      await scorer.scoreAll();
    }
    const answer = await other.submit(old, await submissionFor(old, core.context.layout));
    assert.deepEqual(
      [answer.status, answer.body.code, answer.body.info],
      [409, 'STALE_VERSION', { version: 0, current: 2 }],
    );
    assert.equal((await other.task()).version, 2, 'and gets a fresh task');
  });

  it('lets a round go on without a miner that vanished', async () => {
    const lost = await other.task();
    await miner.contribute('alone');
    await scorer.scoreAll();
    network.clock.nowMs = lost.deadlineMs;
    assert.deepEqual(await scorer.scoreAll(), ['candidate']);
    assert.equal((await status()).versions.length, 2);
    const answer = await other.submit(lost, await submissionFor(lost, core.context.layout));
    assert.deepEqual([answer.status, answer.body.code], [410, 'TASK_EXPIRED']);
  });

  it('gives one task a round to each device', async () => {
    await miner.contribute('first');
    assert.equal((await miner.call('task', { body: {} })).status, 204);
    const device = await new TestClient(core, network.miner, 'miner', 'b').register();
    assert.equal((await device.task()).round, 0);
  });

  it('wakes a waiting miner when the next round opens', async () => {
    await miner.contribute('first');
    const waiting = miner.call('task', { body: { waitMs: 30_000 } });
    await scorer.scoreAll();
    const answer = await waiting;
    assert.deepEqual([answer.status, answer.body.version], [200, 1]);
  });

  it('takes a job back from a scorer that fell silent, and gives a submission up in the end', async () => {
    const { submissionId } = await miner.contribute('deadly');
    await core.coordinator.step();
    const first = (await scorer.job())!;
    assert.equal(await scorer.job(), undefined, 'a job is leased to one scorer at a time');
    network.clock.nowMs += 59_999;
    const kept = await scorer.call('jobHeartbeat', { params: { jobId: first.jobId } });
    assert.equal(kept.body.leaseUntilMs, network.clock.nowMs + 60_000);
    network.clock.nowMs += 59_999;
    await core.coordinator.step();
    assert.equal(await scorer.job(), undefined, 'the heartbeat extended the lease');
    network.clock.nowMs += 1;
    await core.coordinator.step();
    const late = await scorer.answer(first, { before: 5, gain: 0.05 });
    assert.deepEqual([late.status, late.body.code], [409, 'JOB_NOT_YOURS']);
    assert.equal((await scorer.job())!.jobId, first.jobId);
    network.clock.nowMs += 60_000;
    await core.coordinator.step();
    assert.equal((await miner.submission(submissionId)).code, 'SCORING_FAILED');
  });

  it('checks results against the batch and counts an answer once', async () => {
    await miner.contribute('scored twice');
    await core.coordinator.step();
    const job = (await scorer.job())!;
    const post = (lossesBefore: number[], lossesAfter: number[] | null) =>
      scorer.call('jobResult', {
        params: { jobId: job.jobId },
        body: { lossesBefore, lossesAfter, elapsedMs: 1 },
      });
    assert.equal((await post([1], [1])).body.code, 'RESULT_INVALID');
    assert.equal((await post(Array(16).fill(5), Array(15).fill(5))).body.code, 'RESULT_INVALID');
    assert.equal((await post(Array(16).fill(-1), Array(16).fill(5))).body.code, 'BAD_REQUEST');
    await scorer.answer(job, { before: 5, gain: 0.05 });
    assert.equal(
      (await scorer.answer(job, { before: 5, gain: -0.05 })).status,
      200,
      'a repeated answer changes nothing',
    );
    const [work] = await core.context.db.query<{ unpaid_rows: number }>(
      'SELECT unpaid_rows FROM scorer_work',
    );
    assert.equal(work!.unpaid_rows, 16 + 16, 'baseline and one submission');
    await scorer.scoreAll();
    assert.equal((await status()).submissions.accepted, 1);
  });

  it('raises an alarm when nobody scores', async () => {
    await miner.contribute('waiting');
    await core.coordinator.step();
    network.clock.nowMs += 59_999;
    core.context.changed();
    assert.deepEqual(await alarms(), []);
    network.clock.nowMs += 1;
    core.context.changed();
    assert.deepEqual(await alarms(), ['NO_SCORER']);
  });

  it('keeps the last snapshots, set-deltas and submissions, and removes the rest from disk', async () => {
    for (let round = 0; round < 5; round++) {
      await miner.contribute(`round ${round}`);
      await scorer.scoreAll();
    }
    const rows = await core.context.db.query<{ version: number; has_snapshot: boolean; has_delta: boolean }>(
      'SELECT version, snapshot IS NOT NULL AS has_snapshot, set_delta IS NOT NULL AS has_delta FROM versions ORDER BY version',
    );
    assert.deepEqual(
      rows.map((row) => row.has_snapshot),
      [false, false, false, false, true, true],
    );
    assert.deepEqual(
      rows.map((row) => row.has_delta),
      [false, false, false, true, true, true],
    );
    const [kept] = await core.context.db.query<{ n: number }>(
      'SELECT COUNT(*) AS n FROM submissions WHERE blob_kept',
    );
    // 2 masters, 2 snapshots of one chunk, 3 set-deltas and the kept submissions: nothing else is on disk.
    assert.equal((await core.context.blobs.list()).length, 2 + 2 + 3 + kept!.n);
    const old = (await miner.call('version', { params: { version: '1' } })).body;
    assert.deepEqual([old.snapshot, old.setDelta], [null, null]);
  });
});
