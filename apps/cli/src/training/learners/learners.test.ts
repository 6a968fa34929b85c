/** @file Fine-tuning and preference learning, as runs: what is learned, what is not, and that a stopped run goes on. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { ChatTokens, ConversationDataset, PreferenceTokens } from '@alice/data';
import type { Platform } from '@alice/engine';
import { nodePlatformOn } from '@alice/engine/node';
import {
  checkConfig,
  createLogProbabilityFunction,
  initParameters,
  type MaskedRows,
  modelLayout,
  resolveModel,
} from '@alice/model';
import { bytesOf, seededRandom, sha256Hex } from '@alice/protocol';
import { createAdamW } from '@alice/training';
import type { LossRow } from '../lossRecord.js';
import type { RunSettings } from '../runSettings.js';
import { SEGMENT_STEPS, trainRun } from '../trainRun.js';
import { conversationLearner } from './conversationLearner.js';
import type { LearnerWork } from './learner.js';
import type { LearnerNotice, LearnerOptions, Lessons } from './openLearner.js';
import { pairRows, preferenceLearner } from './preferenceLearner.js';

const model = checkConfig({
  ...resolveModel('nano'),
  ...{ name: 'small', layers: 1, width: 32, heads: 2, kvHeads: 1, ffn: 48, context: 16, vocab: 48 },
});
const base = initParameters(model, 'base');
const folder = mkdtempSync(join(tmpdir(), 'alice-learners-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const SEPARATOR = 0;
const settings: RunSettings = {
  ...{ preset: 'small', steps: 2 * SEGMENT_STEPS, optimizer: 'adamw', learningRate: 1e-2, warmupSteps: 0 },
  ...{ weightDecay: 0, rowsPerStep: 4, sequenceLength: 15, seed: 'run', dataRoot: 'root' },
};
const options = { model, settings, threads: 1, microBatch: 2, precision: 'fp32' } as const;

/** A dataset in memory: its last record is for validation. */
function datasetOf(records: readonly (ChatTokens | PreferenceTokens)[]): ConversationDataset {
  const shard = (split: 'train' | 'validation', own: readonly (ChatTokens | PreferenceTokens)[]) => ({
    ...{ split, records: own.length, tokens: 12 * own.length },
  });
  const splits = [records.slice(0, -4), records.slice(-4)];
  const manifest = {
    tokenizer: { id: 'test', vocab: model.vocab, separator: SEPARATOR },
    shards: [shard('train', splits[0]!), shard('validation', splits[1]!)],
  };
  return { dir: '', manifest, records: async (i: number) => splits[i]! } as unknown as ConversationDataset;
}

/** A question of eight random tokens; its answer names one of them. */
function conversations(count: number): ChatTokens[] {
  const random = seededRandom('conversations');
  return Array.from({ length: count }, () => {
    const question = Array.from({ length: 8 }, () => 10 + random.below(30));
    const tokens = Uint16Array.from([...question, 5, 6, 7, SEPARATOR]);
    return { tokens, mask: Uint8Array.from(tokens, (_, i) => Number(i >= 8)) };
  });
}

/** After any prompt, answer 5 6 is chosen over 8 9. */
function preferences(count: number): PreferenceTokens[] {
  const random = seededRandom('preferences');
  return Array.from({ length: count }, () => ({
    prompt: Uint16Array.from({ length: 5 }, () => 10 + random.below(30)),
    chosen: Uint16Array.of(5, 6, SEPARATOR),
    rejected: Uint16Array.of(8, 9, SEPARATOR),
  }));
}

async function learn(learner: { segment(work: LearnerWork): Promise<void> }, steps: number) {
  const parameters = base.slice();
  const optimizer = await createAdamW(modelLayout(model), { weightDecay: 0 });
  const losses: number[] = [];
  await learner.segment({
    ...{ step: 0, steps, parameters, optimizer, learningRateAt: () => 1e-2 },
    onStep: ({ lossNats, skipped }) => {
      assert.equal(skipped, false);
      losses.push(lossNats);
    },
  });
  await optimizer.dispose();
  return { parameters, losses };
}

async function natsOf(parameters: Float32Array, rows: MaskedRows): Promise<number> {
  const logProbability = await createLogProbabilityFunction(model, { ...settings, batch: 4, threads: 1 });
  const nats = await logProbability.run(parameters, rows);
  await logProbability.dispose();
  return nats.reduce((sum, own) => sum - own, 0) / rows.mask.reduce((sum, bit) => sum + bit, 0);
}

test('sft learns the answers and leaves the random questions alone', async () => {
  const dataset = datasetOf(conversations(24));
  const learner = await conversationLearner(dataset, options);
  const before = await learner.heldOutNats(base);
  const { parameters, losses } = await learn(learner, 40);
  const after = await learner.heldOutNats(parameters);
  assert.ok(Math.abs(losses[0]! - Math.log(model.vocab)) < 0.2, `first loss ${losses[0]}`);
  assert.ok(before! > 3 && after! < 0.2, `held out: ${before} nats, then ${after}`);
  // The same rows with the questions marked: had their tokens been learned, their loss would have fallen to ln 30.
  const tokens = new Uint16Array(4 * 16).fill(SEPARATOR);
  const mask = new Uint8Array(tokens.length);
  for (const [row, own] of conversations(4).entries()) {
    tokens.set(own.tokens.subarray(0, 8), row * 16);
    mask.fill(1, row * 16 + 1, row * 16 + 8);
  }
  const questions = await natsOf(parameters, { tokens, mask });
  assert.ok(questions > Math.log(model.vocab), `questions: ${questions} nats`);
  await learner.dispose();
});

test('dpo raises the margin of chosen over rejected answers on pairs it has not seen', async () => {
  const dataset = datasetOf(preferences(24));
  const learner = await preferenceLearner(dataset, { ...options, beta: 0.1, reference: base });
  const before = await learner.heldOutMargins(base);
  assert.deepEqual([before!.mean, before!.preferred], [0, 0], 'the reference does not differ from itself');
  assert.ok(Math.abs((await learner.heldOutNats(base))! - Math.LN2) < 1e-12);
  const { parameters, losses } = await learn(learner, 24);
  const after = await learner.heldOutMargins(parameters);
  assert.ok(Math.abs(losses[0]! - Math.LN2) < 1e-6, `first loss ${losses[0]}`);
  assert.ok(losses.at(-1)! < 0.3, `last loss ${losses.at(-1)}`);
  assert.ok(
    after!.mean > 1 && after!.preferred === 1,
    `margin ${after!.mean}, preferred ${after!.preferred}`,
  );
  await learner.dispose();
});

test('micro-batches change neither objective but by rounding', async () => {
  const first = async (open: (microBatch: number) => ReturnType<typeof conversationLearner>) => {
    const losses: number[] = [];
    for (const microBatch of [1, 4]) {
      const learner = await open(microBatch);
      losses.push(...(await learn(learner, 3)).losses);
      await learner.dispose();
    }
    return losses;
  };
  const talks = datasetOf(conversations(24));
  const votes = datasetOf(preferences(24));
  for (const losses of [
    await first((microBatch) => conversationLearner(talks, { ...options, microBatch })),
    await first((microBatch) =>
      preferenceLearner(votes, { ...options, microBatch, beta: 0.1, reference: base }),
    ),
  ])
    for (let step = 0; step < 3; step++)
      assert.ok(Math.abs(losses[step]! - losses[step + 3]!) < 1e-4, `${losses}`);
});

test('a pair becomes two rows whose answers alone are marked', () => {
  const pair = { prompt: Uint16Array.of(1, 2), chosen: Uint16Array.of(3, 9), rejected: Uint16Array.of(4) };
  const { chosen, rejected } = pairRows([pair], 6, 9);
  assert.deepEqual([...chosen.tokens, ...chosen.mask], [1, 2, 3, 9, 9, 9, 0, 0, 1, 1, 0, 0]);
  assert.deepEqual([...rejected.tokens, ...rejected.mask], [1, 2, 4, 9, 9, 9, 0, 0, 1, 0, 0, 0]);
});

type Feeds = Parameters<Awaited<ReturnType<NonNullable<Platform['openKeeping']>>>['run']>[0];

const processor = nodePlatformOn('cpu');

/** The processor, or a device in its place that keeps values; `watch` sees what is fed, and may refuse it. */
function watched(watch: (feeds: Feeds) => void, keeps: boolean): Platform {
  return {
    async open(graph, session) {
      const real = await processor.open(graph, session);
      const run: typeof real.run = (feeds, into) => {
        watch(feeds);
        return real.run(feeds, into);
      };
      return { ...real, run };
    },
    ...(keeps && {
      hasOwnMemory: true,
      async openKeeping(graph, session) {
        const real = await processor.openKeeping!(graph, session);
        const run: typeof real.run = (feeds) => {
          watch(feeds);
          return real.run(feeds);
        };
        return { ...real, run };
      },
    }),
  };
}

/** Memory for two rows at once. */
function refuseMoreThanTwoRows({ labels }: Feeds): void {
  if (!labels || !('data' in labels)) return;
  if (labels.data.length > 2 * settings.sequenceLength) throw new Error('std::bad_alloc');
}

function learnerOf(objective: 'sft' | 'dpo', own: Partial<LearnerOptions>) {
  return objective === 'sft'
    ? conversationLearner(datasetOf(conversations(24)), { ...options, ...own })
    : preferenceLearner(datasetOf(preferences(24)), { ...options, beta: 0.1, reference: base, ...own });
}

for (const objective of ['sft', 'dpo'] as const)
  test(`${objective}: memory that ends makes the micro-batch smaller, not the step, wherever weights lie`, async () => {
    const results = [];
    for (const platform of [
      undefined,
      ...[false, true].map((keeps) => watched(refuseMoreThanTwoRows, keeps)),
    ]) {
      const notices: LearnerNotice[] = [];
      const learner = await learnerOf(objective, {
        ...{ platform, microBatch: 4, onNotice: (notice: LearnerNotice) => notices.push(notice) },
      });
      const { parameters, losses } = await learn(learner, 3);
      results.push({ parameters, losses, heldOut: await learner.heldOutNats(parameters), notices });
      await learner.dispose();
    }
    const [plenty, ...short] = results;
    const told = objective === 'sft' ? [2] : [2, 1]; // a pair is two rows
    for (const { losses, heldOut, notices } of short) {
      assert.deepEqual(
        notices,
        told.map((rows) => ({ kind: 'micro-batch', rows })),
      );
      assert.equal(losses.length, 3);
      for (const [step, loss] of plenty!.losses.entries())
        assert.ok(Math.abs(loss - losses[step]!) < 1e-4, `${plenty!.losses}, not ${losses}`);
      assert.ok(Math.abs(plenty!.heldOut! - heldOut!) < 1e-4);
    }
  });

test('weights that overflow are refused, and those of the segment before are kept', async () => {
  const learner = await learnerOf('sft', {});
  const parameters = base.slice();
  const optimizer = await createAdamW(modelLayout(model), { weightDecay: 0 });
  const work = { step: 0, steps: 2, parameters, optimizer, learningRateAt: () => 1e39, onStep: () => {} };
  await assert.rejects(learner.segment(work), { code: 'NOT_FINITE' });
  assert.deepEqual(parameters, base);
  await learner.dispose();
});

for (const objective of ['sft', 'dpo'] as const)
  test(`${objective}: on a device weights go there once a segment, and what is learned is the same`, async () => {
    let sent = 0;
    const count = (feeds: Feeds): void => {
      for (const tensor of Object.values(feeds)) if ('data' in tensor) sent += tensor.data.byteLength;
    };
    const runs = [];
    for (const platform of [undefined, watched(count, true)]) {
      const learner = await learnerOf(objective, { platform });
      runs.push(await learn(learner, 8));
      await learner.dispose();
    }
    const [host, device] = runs as [(typeof runs)[0], (typeof runs)[0]];
    for (const [step, loss] of host.losses.entries())
      assert.ok(Math.abs(loss - device.losses[step]!) < 1e-4, `${host.losses}, not ${device.losses}`);
    // The model and AdamW's two sums; the reference of preferences once more. Tokens and masks are a tenth of the model.
    const models = sent / base.byteLength;
    const brought = objective === 'sft' ? 3 : 4;
    assert.ok(models > brought && models < brought + 0.7, `${models} times the model was sent`);
  });

for (const objective of ['sft', 'dpo'] as const)
  test(`${objective}: a stopped run ends with the bits of one that was not; another objective is refused`, async () => {
    const records = objective === 'sft' ? conversations(24) : preferences(24);
    const lessons: Lessons = { objective, dataset: datasetOf(records) };
    const run = async (name: string, watch: (row: LossRow, stop: () => void) => void = () => {}) => {
      const stop = new AbortController();
      const result = await trainRun(
        {
          ...{ dir: join(folder, `${objective}-${name}`), model, lessons, base, threads: 1, microBatch: 2 },
          ...{ settings: { ...settings, objective, base: 'hash' }, saveEvery: SEGMENT_STEPS },
          evaluateEvery: SEGMENT_STEPS,
        },
        {
          ...{
            signal: stop.signal,
            nowMs: () => 0,
            onStart: () => {},
            onHeldOut: () => {},
            onSave: () => {},
          },
          onStep: (row) => watch(row, () => stop.abort()),
        },
      );
      return { ...result, hash: sha256Hex(bytesOf(result.parameters)) };
    };
    const whole = await run('whole');
    const stopped = await run('broken', (row, stop) => row.step === 2 && stop());
    assert.deepEqual([stopped.finished, stopped.step], [false, SEGMENT_STEPS]);
    assert.equal((await run('broken')).hash, whole.hash);
    assert.notEqual(whole.hash, sha256Hex(bytesOf(base)));
    const { objective: _, ...plain } = { ...settings, objective };
    await assert.rejects(
      trainRun(
        {
          ...{ dir: join(folder, `${objective}-whole`), model, lessons, base, threads: 1, microBatch: 2 },
          ...{ settings: { ...plain, base: 'hash' }, saveEvery: 8, evaluateEvery: 8 },
        },
        {} as Parameters<typeof trainRun>[1],
      ),
      { code: 'RUN_MISMATCH' },
    );
  });

test('dpo without weights to begin with is refused', async () => {
  const lessons: Lessons = { objective: 'dpo', dataset: datasetOf(preferences(8)) };
  await assert.rejects(
    trainRun(
      {
        ...{ dir: join(folder, 'nothing'), model, lessons, threads: 1, microBatch: 2 },
        ...{ settings: { ...settings, objective: 'dpo' }, saveEvery: 8, evaluateEvery: 8 },
      },
      {} as Parameters<typeof trainRun>[1],
    ),
    { code: 'RUN_BASE_MISSING' },
  );
});
