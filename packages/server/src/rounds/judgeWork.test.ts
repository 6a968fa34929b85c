/**
 * @file The work tests through the routes, with made-up losses: which rows a scorer gets, who is paid for how much, who is
 * refused before the fold, that two miners are measured with the rounds before, and that a restart changes nothing.
 */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { ScoringJob, Submission, Task } from '@alice/protocol';
import { defaultTrainingSettings } from '@alice/training';
import type { ServerCore } from '../ServerCore.js';
import { submissionFor, TestClient } from '../testing/TestClient.js';
import { createTinyNetwork, type TinyNetwork, tinyTraining } from '../testing/tinyNetwork.js';

const STEPS = 4;
const ROWS = 8;
const CONTROL = 6;
const training = {
  ...tinyTraining,
  innerSteps: STEPS,
  rowsPerStep: 4,
  work: { ...defaultTrainingSettings.work, rows: ROWS, controlRows: CONTROL },
};
/** Gains of assigned rows for a share of work done; of control rows a little by chance. */
const assignedGain = (share: number, row: number): number => (row < share * ROWS ? 0.4 : 0) + 0.001 * row;

describe('work tests of a round', () => {
  let network: TinyNetwork;
  let core: ServerCore;
  let scorer: TestClient;
  let miners: TestClient[];
  /** Share of the work each submission's device did, by blob. */
  const shares = new Map<string, number>();
  /** Gain that held-out text shows of everything. */
  let heldOutGain: number;

  beforeEach(async () => {
    heldOutGain = 0.05;
    network = await createTinyNetwork({ training });
    core = await network.open();
    scorer = await new TestClient(() => core, network.scorer, 'scorer').register();
    miners = [];
    for (let i = 0; i < 8; i++)
      miners.push(await new TestClient(() => core, network.miner, 'miner', `m${i}`).register());
    await scoreAll();
  });
  afterEach(async () => {
    await core.close();
    network.remove();
  });

  /** Scores all that waits; work jobs as their device's share of work would. */
  async function scoreAll(until?: (job: ScoringJob) => boolean): Promise<string[]> {
    const kinds: string[] = [];
    for (;;) {
      await core.coordinator.step();
      const job = await scorer.job();
      if (!job) return kinds;
      kinds.push(job.kind);
      if (job.kind === 'submission') await scorer.answer(job, { before: 5, gain: heldOutGain });
      else if (job.kind !== 'work') await scorer.answer(job, { before: 5, gain: 0.05 });
      else {
        const gains = [
          ...Array.from({ length: ROWS }, (_, row) => assignedGain(shares.get(job.blob!.hash)!, row)),
          ...Array.from({ length: CONTROL }, (_, row) => 0.01 * (row % 2)),
        ];
        const lossesBefore = gains.map((_, row) => 5 + 0.01 * row);
        const body = { lossesBefore, lossesAfter: lossesBefore.map((l, i) => l - gains[i]!), elapsedMs: 1 };
        const answer = await scorer.call('jobResult', { params: { jobId: job.jobId }, body });
        assert.equal(answer.status, 200, JSON.stringify(answer.body));
      }
      if (until?.(job)) return kinds;
    }
  }

  async function answerWith(
    task: Task,
    { miner, share, steps = STEPS }: { miner: TestClient; share: number; steps?: number },
  ): Promise<Submission> {
    const tokens = steps * training.rowsPerStep * training.sequenceLength;
    const seed = `${task.taskId}`;
    const bytes = await submissionFor(task, core.context.layout, { seed, innerSteps: steps, tokens });
    const { body } = await miner.submit(task, bytes);
    const [row] = await core.context.db.query<{ blob_hash: string }>(
      'SELECT blob_hash FROM submissions WHERE submission_id = $1',
      [body.submissionId],
    );
    shares.set(row!.blob_hash, share);
    return body;
  }

  async function round(parts: number[]): Promise<Submission[]> {
    const tasks = await Promise.all(parts.map((_, i) => miners[i]!.task()));
    const sent: Submission[] = [];
    for (const [i, task] of tasks.entries())
      sent.push(await answerWith(task, { miner: miners[i]!, share: parts[i]! }));
    await scoreAll();
    return Promise.all(sent.map(({ submissionId }, i) => miners[i]!.submission(submissionId)));
  }

  it('refuses a quarter and half of the work, pays for seven eighths by the square, folds the rest', async () => {
    const results = await round([1, 1, 1, 1, 1, 7 / 8, 0.25, 0.5]);
    assert.deepEqual(
      results.map(({ status, code }) => code ?? status),
      [...Array(6).fill('accepted'), 'TOO_LITTLE_WORK', 'TOO_LITTLE_WORK'],
    );
    assert.match(results[6]!.reason, /show work on 2\d% of what it claims/);
    const score = results.map((result) => Number(result.score));
    // Made-up deltas differ by a few hundredths in size, and so in pay; 7/8 unsquared would be 0.11 off.
    const ratio = (a: number, b: number): number => score[a]! / score[b]!;
    assert.ok(Math.abs(ratio(1, 0) - 1) < 0.08, `paid ${ratio(1, 0)}`);
    assert.ok(Math.abs(ratio(5, 0) - (7 / 8) ** 2) < 0.08, `paid ${ratio(5, 0)}`);
    assert.deepEqual(score.slice(6), [0, 0]);
    const { versions, submissions } = (await miners[0]!.call('status')).body;
    assert.equal(versions.at(-1).acceptedSubmissions, 6);
    assert.equal(submissions.refused.TOO_LITTLE_WORK, 2);
  });

  it('lets work speak where held-out text shows neither gain nor harm, and only work', async () => {
    heldOutGain = 0;
    const results = await round([1, 1, 1, 1, 1, 1, 0]);
    assert.deepEqual(
      results.map(({ status, code }) => code ?? status),
      [...Array(6).fill('accepted'), 'TOO_LITTLE_WORK'],
    );
    const silent = await round([0, 0, 0, 0, 0, 0]);
    for (const { code } of silent)
      assert.equal(code, 'NOISE', 'no work can be told: what is undecided is noise');
    heldOutGain = -0.05;
    for (const { code } of await round([1, 1]))
      assert.equal(code, 'NOT_HELPFUL', 'work that harms is refused');
  });

  it('gives the scorer rows of the steps that were claimed, and others to compare with', async () => {
    const miner = miners[0]!;
    const task = await miner.task();
    const submission = await answerWith(task, { miner, share: 1, steps: 1 });
    await core.coordinator.step();
    await scorer.answer((await scorer.job())!, { before: 5, gain: 0.05 });
    const job = (await scorer.job())!;
    assert.deepEqual([job.kind, job.stepFraction], ['work', 1]);
    assert.equal((await miner.submission(submission.submissionId)).status, 'queued');
    const rowsOf = async (batchId: string): Promise<string[]> => {
      const { bytes } = await scorer.call('batch', { params: { batchId } });
      const size = 2 * job.rowLength;
      return Array.from({ length: bytes.length / size }, (_, i) =>
        Buffer.from(bytes.subarray(i * size, (i + 1) * size)).toString('hex'),
      );
    };
    const probed = await rowsOf(job.batchId);
    assert.equal(probed.length, training.rowsPerStep, 'one step has no more rows');
    const own = new Set<string>();
    for (const { shard, from, count } of task.ranges) {
      const { bytes } = await miner.call('shard', { params: { shard: String(shard) } });
      for (let at = from; at + job.rowLength <= from + count; at += job.rowLength - 1)
        own.add(Buffer.from(bytes.subarray(2 * at, 2 * (at + job.rowLength))).toString('hex'));
    }
    assert.ok(
      probed.every((row) => own.has(row)),
      'every probed row is one of the task',
    );
    const control = await rowsOf(job.controlBatchId!);
    assert.equal(control.length, CONTROL);
    const refused = await miner.call('batch', { params: { batchId: job.batchId } });
    assert.equal(refused.status, 403, 'no miner may see them');
  });

  it('measures a round of two with the rounds before it', async () => {
    for (let i = 0; i < 3; i++)
      for (const { status } of await round([1, 1])) assert.equal(status, 'accepted');
    const [honest, lazy] = await round([1, 0.25]);
    assert.deepEqual([honest!.status, lazy!.code], ['accepted', 'TOO_LITTLE_WORK']);
    const [alone] = await round([0.25]);
    assert.equal(alone!.code, 'TOO_LITTLE_WORK', 'a round of one is not measured against itself');
    const [next] = await round([1]);
    assert.equal(next!.status, 'accepted');
  });

  it('refuses what breaks the model at its full size', async () => {
    const miner = miners[0]!;
    const { submissionId } = await answerWith(await miner.task(), { miner, share: 1 });
    await core.coordinator.step();
    await scorer.answer((await scorer.job())!, { before: 5, gain: 0.05 });
    const job = (await scorer.job())!;
    assert.equal((await scorer.answer(job, { before: 5, gain: null })).status, 200);
    assert.equal((await miner.submission(submissionId)).code, 'NOT_FINITE');
  });

  it('finishes the tests of a killed server with the same outcome', async () => {
    const tasks = await Promise.all([0, 1, 2].map((i) => miners[i]!.task()));
    const sent = [
      await answerWith(tasks[0]!, { miner: miners[0]!, share: 1 }),
      await answerWith(tasks[1]!, { miner: miners[1]!, share: 0.25 }),
      await answerWith(tasks[2]!, { miner: miners[2]!, share: 1 }),
    ];
    await scoreAll((job) => job.kind === 'work'); // one is tested, the others are not
    await core.abandon();
    core = await network.open();
    await scoreAll();
    const outcome = await Promise.all(
      sent.map(async ({ submissionId }, i) => (await miners[i]!.submission(submissionId)).code ?? 'accepted'),
    );
    assert.deepEqual(outcome, ['accepted', 'TOO_LITTLE_WORK', 'accepted']);
    const [work] = await core.context.db.query<{ n: number }>(
      `SELECT COUNT(*) AS n FROM jobs WHERE kind = 'work'`,
    );
    assert.equal(work!.n, 3, 'each was tested once');
  });
});
