/** @file Uploads: what is taken, what is refused, and that a refusal leaves the nonce unused. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { SUBMISSION_HEADER_BYTES, seededRandom, type Task } from '@alice/protocol';
import type { ServerCore } from '../ServerCore.js';
import { maxSubmissionBytes } from '../submissionBounds.js';
import { randomDelta, submissionFor, TestClient } from '../testing/TestClient.js';
import { createTinyNetwork, type TinyNetwork } from '../testing/tinyNetwork.js';

describe('uploads', () => {
  let network: TinyNetwork;
  let core: ServerCore;
  let miner: TestClient;
  let other: TestClient;
  let scorer: TestClient;
  let task: Task;
  let good: Uint8Array;

  before(async () => {
    network = await createTinyNetwork();
    core = await network.open();
    miner = await new TestClient(() => core, network.miner).register();
    other = await new TestClient(() => core, network.otherMiner).register();
    scorer = await new TestClient(() => core, network.scorer, 'scorer').register();
    await scorer.scoreAll();
  });
  let counter = 0;
  beforeEach(async () => {
    task = await miner.task();
    good = await submissionFor(task, core.context.layout, { seed: `upload ${counter++}` });
  });
  after(async () => {
    await core.close();
    network.remove();
  });

  const refusal = async (bytes: Uint8Array, client = miner, taskId = task.taskId) => {
    const answer = await client.submit({ ...task, taskId }, bytes);
    return [answer.status, answer.body.code];
  };

  it('hands out the same task again until it is answered', async () => {
    const again = await miner.task();
    assert.deepEqual([again.taskId, again.nonce, again.windowMs], [task.taskId, task.nonce, task.windowMs]);
    const { layout, data } = core.context;
    assert.ok(task.ranges.every(({ shard }) => !data.isValidation(shard)));
    assert.equal(task.settings.learningRates.length, task.settings.innerSteps);
    assert.equal(
      task.ranges.reduce((sum, { count }) => sum + count - 1, 0),
      2 * 2 * 16,
    );
    assert.ok(layout.size > 0);
  });

  it('refuses what is not for this task, and takes the right bytes afterwards', async () => {
    const { layout } = core.context;
    const wrong = (changes: Parameters<typeof submissionFor>[2]) => submissionFor(task, layout, changes);
    const cases: [string, Uint8Array, [number, string]][] = [
      ['nonce', await wrong({ nonce: `0x${'11'.repeat(32)}` }), [400, 'NONCE_WRONG']],
      ['state root', await wrong({ stateRoot: `0x${'22'.repeat(32)}` }), [409, 'STATE_ROOT_WRONG']],
      ['more steps than the task', await wrong({ innerSteps: 3 }), [400, 'CLAIM_INVALID']],
      ['more tokens than steps', await wrong({ innerSteps: 1, tokens: 33 }), [400, 'CLAIM_INVALID']],
      ['empty', new Uint8Array(), [400, 'WIRE_TRUNCATED']],
      ['not a submission', new Uint8Array(300), [400, 'WIRE_MAGIC']],
      ['cut short', good.subarray(0, good.length - 1), [400, 'WIRE_TRUNCATED']],
      ['a byte too many', Uint8Array.of(...good, 0), [400, 'WIRE_TRAILING_BYTES']],
    ];
    for (const [name, bytes, expected] of cases) assert.deepEqual(await refusal(bytes), expected, name);
    assert.equal((await miner.submit(task, good)).status, 202);
    await scorer.scoreAll();
  });

  it('never takes a damaged body, whatever bit is wrong', async () => {
    const random = seededRandom('damage');
    for (let i = 0; i < 60; i++) {
      const damaged = good.slice();
      damaged[SUBMISSION_HEADER_BYTES + random.below(damaged.length - SUBMISSION_HEADER_BYTES)]! ^=
        1 << random.below(8);
      const [status] = await refusal(damaged);
      if (status === 202) assert.fail(`damage ${i} was accepted`);
      assert.ok(Number(status) >= 400 && Number(status) < 500, `damage ${i} gave ${status}`);
    }
    assert.equal((await miner.submit(task, good)).status, 202, 'the nonce is still good');
    await scorer.scoreAll();
  });

  it('tells a lost answer from a replay', async () => {
    const first = await miner.submit(task, good);
    assert.equal(first.status, 202);
    const same = await miner.submit(task, good);
    assert.deepEqual(
      [same.status, same.body.code, same.body.info],
      [409, 'NONCE_USED', { submissionId: first.body.submissionId, identical: true }],
    );
    const different = await miner.submit(
      task,
      await submissionFor(task, core.context.layout, { seed: 'different' }),
    );
    assert.deepEqual([different.body.code, different.body.info.identical], ['NONCE_USED', false]);
    await scorer.scoreAll();
  });

  it('stores one of two simultaneous uploads for a task', async () => {
    const second = await submissionFor(task, core.context.layout, { seed: 'simultaneous' });
    const answers = await Promise.all([miner.submit(task, good), miner.submit(task, second)]);
    assert.deepEqual(answers.map(({ status }) => status).sort(), [202, 409]);
    await scorer.scoreAll();
  });

  it('knows only the holder of a task', async () => {
    assert.deepEqual(await refusal(good, other), [404, 'TASK_UNKNOWN']);
    assert.deepEqual(await refusal(good, miner, `0x${'33'.repeat(16)}`), [404, 'TASK_UNKNOWN']);
    const otherDevice = await new TestClient(() => core, network.miner, 'miner', 'b').register();
    assert.deepEqual(await refusal(good, otherDevice), [404, 'TASK_UNKNOWN']);
    const stranger = new TestClient(() => core, network.miner);
    assert.deepEqual(await refusal(good, stranger), [401, 'TOKEN_MISSING']);
    assert.deepEqual(await refusal(good, scorer), [403, 'ROLE_FORBIDDEN']);
  });

  it('refuses bodies no valid submission has, before reading them', async () => {
    const tooLarge = new Uint8Array(maxSubmissionBytes(core.context.bounds) + 1);
    const answer = await miner.submit(task, tooLarge);
    assert.deepEqual([answer.status, answer.body.code], [413, 'BODY_TOO_LARGE']);
    assert.equal(answer.body.info.limitBytes, maxSubmissionBytes(core.context.bounds));
    const text = await miner.call('submit', { params: { taskId: task.taskId }, body: { hello: 1 } });
    assert.deepEqual([text.status, text.body.code], [415, 'MEDIA_TYPE_UNSUPPORTED']);
  });

  it('refuses after the deadline and hands out a fresh task', async () => {
    network.clock.nowMs = task.deadlineMs;
    assert.deepEqual(await refusal(good), [410, 'TASK_EXPIRED']);
    const fresh = await miner.task();
    assert.notEqual(fresh.taskId, task.taskId);
    assert.notEqual(fresh.nonce, task.nonce);
    assert.deepEqual(fresh.ranges, task.ranges, 'the assignment is pure in seed, miner, round');
  });

  it('shows a submission to its address only', async () => {
    const { submissionId } = (await miner.submit(task, good)).body;
    const foreign = await other.call('submission', { params: { submissionId } });
    assert.deepEqual([foreign.status, foreign.body.code], [404, 'SUBMISSION_UNKNOWN']);
    await scorer.scoreAll();
  });

  it('takes the format the task asks for and no other; a task without one asks for binary_v2', async () => {
    const { layout, db } = core.context;
    const finer = await submissionFor(task, layout, { format: { wire: 'binary_v3', valueBits: 8 } });
    const refused = await miner.submit(task, finer);
    assert.deepEqual([refused.status, refused.body.code], [400, 'WIRE_UNEXPECTED']);
    const { format: _, ...settings } = task.settings;
    await db.query('UPDATE tasks SET task = $2 WHERE task_id = $1', [
      task.taskId,
      JSON.stringify({ ...task, settings }),
    ]);
    assert.equal(
      (await miner.submit(task, await submissionFor(task, layout))).status,
      202,
      'of an older release',
    );
    await core.close();
    core = await network.open({
      training: { ...network.options.training, wire: { wire: 'binary_v3', valueBits: 2 } },
    });
    const next = await other.task();
    assert.deepEqual(next.settings.format, { wire: 'binary_v3', valueBits: 2 });
    const plain = await other.submit(
      next,
      await submissionFor(next, layout, { format: { wire: 'binary_v2' } }),
    );
    assert.equal(plain.body.code, 'WIRE_UNEXPECTED');
    const sent = await other.submit(next, await submissionFor(next, layout, { seed: 'in the new format' }));
    assert.equal(sent.status, 202);
    await scorer.scoreAll();
    assert.equal((await other.submission(sent.body.submissionId)).status, 'accepted');
  });

  it('counts refusals by code', async () => {
    const { refusedRequests } = (await miner.call('status')).body;
    assert.equal(refusedRequests.NONCE_WRONG, 1);
    assert.equal(refusedRequests.TASK_EXPIRED, 1);
    await core.context.refusals.flush();
    assert.deepEqual(await core.context.refusals.totals(), refusedRequests);
  });

  it('refuses copies: the same content, nearly the same indices, the published update', async () => {
    const { layout } = core.context;
    const copyTask = await other.task();
    const delta = randomDelta(layout, 'original');
    const original = (await miner.submit(task, await submissionFor(task, layout, { delta }))).body;
    const scaled = {
      tensors: delta.tensors.map((part) => ({ ...part, values: part.values.map((value) => 0.9 * value) })),
    };
    const copy = (await other.submit(copyTask, await submissionFor(copyTask, layout, { delta: scaled })))
      .body;
    await scorer.scoreAll();
    const refused = await other.submission(copy.submissionId);
    assert.deepEqual([refused.status, refused.code], ['refused', 'COPY']);
    assert.equal((await miner.submission(original.submissionId)).status, 'accepted');
    const nextTask = await other.task();
    const replay = (await other.submit(nextTask, await submissionFor(nextTask, layout, { delta }))).body;
    await scorer.scoreAll();
    assert.equal((await other.submission(replay.submissionId)).code, 'COPY');
  });

  it('recognises the last published update sent back', async () => {
    const { layout } = core.context;
    await miner.submit(task, await submissionFor(task, layout, { seed: 'published' }));
    await scorer.scoreAll();
    const nextTask = await other.task();
    const delta = randomDelta(layout, 'published');
    const louder = {
      tensors: delta.tensors.map((part) => ({ ...part, values: part.values.map((v) => 1.5 * v) })),
    };
    const replay = (await other.submit(nextTask, await submissionFor(nextTask, layout, { delta: louder })))
      .body;
    await scorer.scoreAll();
    const { code, reason } = await other.submission(replay.submissionId);
    assert.equal(code, 'COPY');
    assert.match(reason, /a published update/);
  });
});
