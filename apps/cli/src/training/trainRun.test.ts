/** @file A run that was stopped or killed ends with the same bits as one that was not, and refuses what would change it. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { buildDataset, type Dataset, openDataset } from '@alice/data';
import type { Platform } from '@alice/engine';
import { nodePlatformOn } from '@alice/engine/node';
import { checkConfig, openTokenizer, resolveModel } from '@alice/model';
import { bytesOf, seededRandom, sha256Hex } from '@alice/protocol';
import type { LearnerNotice } from './learners/openLearner.js';
import type { LossRow } from './lossRecord.js';
import type { RunSettings } from './runSettings.js';
import { stateFile } from './runState.js';
import { SEGMENT_STEPS, type TrainRunOptions, trainRun } from './trainRun.js';

const model = checkConfig({
  ...resolveModel('nano'),
  ...{ name: 'small', layers: 1, width: 16, heads: 2, kvHeads: 1, ffn: 24, context: 16, vocab: 1024 },
});
let root: string;
let dataset: Dataset;

before(async () => {
  root = mkdtempSync(join(tmpdir(), 'alice-train-'));
  const random = seededRandom('text');
  const words = ['whale', 'sea', 'the', 'a', 'ship', 'of', 'and', 'white'];
  const line = (): string => Array.from({ length: 12 }, () => words[random.below(words.length)]!).join(' ');
  const source = join(root, 'text.jsonl');
  const documents = Array.from({ length: 2000 }, () => JSON.stringify({ text: `${line()}. ${line()}.` }));
  writeFileSync(source, `${documents.join('\n')}\n`);
  await buildDataset({
    ...{ source, outDir: join(root, 'data'), seed: 'data', replace: false, onInvalid: 'refuse' },
    tokenizer: await openTokenizer('gpt2-1024'),
  });
  dataset = openDataset(join(root, 'data'));
});
after(() => rmSync(root, { recursive: true, force: true }));

const STEPS = 5 * SEGMENT_STEPS;

function settings(changes: Partial<RunSettings> = {}): RunSettings {
  return {
    ...{ preset: 'small', steps: STEPS, optimizer: 'adamw', learningRate: 1e-2, warmupSteps: 4 },
    ...{
      weightDecay: 0.01,
      rowsPerStep: 4,
      sequenceLength: 16,
      seed: 'run',
      dataRoot: dataset.manifest.root,
    },
    ...changes,
  };
}

interface Watch {
  readonly platform?: Platform;
  readonly onNotice?: (notice: LearnerNotice) => void;
  readonly onStep?: (row: LossRow, stop: () => void) => void;
}

async function run(name: string, changes: Partial<RunSettings> = {}, watch: Watch = {}) {
  const stop = new AbortController();
  const rows: LossRow[] = [];
  const heldOut: number[] = [];
  const options: TrainRunOptions = {
    ...{ dir: join(root, name), model, settings: settings(changes), threads: 1, microBatch: 2 },
    lessons: { objective: 'lm', dataset },
    ...{ saveEvery: 2 * SEGMENT_STEPS, evaluateEvery: SEGMENT_STEPS, platform: watch.platform },
  };
  const result = await trainRun(options, {
    signal: stop.signal,
    nowMs: () => 0,
    onStart: ({ heldOutNats }) => heldOutNats !== undefined && heldOut.push(heldOutNats),
    onStep: (row) => {
      rows.push(row);
      watch.onStep?.(row, () => stop.abort());
    },
    onHeldOut: (_, nats) => heldOut.push(nats),
    onNotice: watch.onNotice,
    onSave: () => undefined,
  });
  return { result, rows, heldOut, hash: sha256Hex(bytesOf(result.parameters)) };
}

for (const optimizer of ['adamw', 'muon'] as const)
  test(`${optimizer}: stopped, killed in the middle of a segment and resumed, the weights are the same bits`, async () => {
    const whole = await run(`whole-${optimizer}`, { optimizer });
    assert.equal(whole.result.finished, true);
    assert.ok(
      whole.heldOut.at(-1)! < whole.heldOut[0]! - 1,
      `learned from ${whole.heldOut[0]} to ${whole.heldOut.at(-1)}`,
    );

    const name = `broken-${optimizer}`;
    const stopped = await run(name, { optimizer }, { onStep: (row, stop) => row.step === 3 && stop() });
    assert.deepEqual([stopped.result.finished, stopped.result.step], [false, SEGMENT_STEPS]);
    const dies = (row: LossRow): void => {
      if (row.step === 3 * SEGMENT_STEPS + 2) throw new Error('killed');
    };
    await assert.rejects(run(name, { optimizer }, { onStep: dies }), /killed/);
    const resumed = await run(name, { optimizer });
    assert.equal(resumed.rows[0]!.step, 2 * SEGMENT_STEPS + 1, 'goes on after the last saved step');
    assert.equal(resumed.hash, whole.hash);
    const losses = (rows: readonly LossRow[]) =>
      rows.map(({ step, lossNats, learningRate }) => [step, lossNats, learningRate]);
    assert.deepEqual(losses(resumed.rows), losses(whole.rows.slice(2 * SEGMENT_STEPS)));
  });

/** The processor as if it were a device that weights stay on. */
const processor = nodePlatformOn('cpu');
const keeping: Platform = { ...processor, hasOwnMemory: true };

function farthest(a: Float32Array, b: Float32Array): number {
  return a.reduce((max, x, i) => Math.max(max, Math.abs(x - b[i]!)), 0);
}

for (const optimizer of ['adamw', 'muon'] as const)
  test(`${optimizer}: with weights kept on a device the run is the same, stopped and resumed as well`, async () => {
    const changes = { optimizer, steps: 3 * SEGMENT_STEPS };
    const here = await run(`here-${optimizer}`, changes);
    const there = await run(`there-${optimizer}`, changes, { platform: keeping });
    const off = farthest(there.result.parameters, here.result.parameters);
    assert.ok(off > 0 && off < 2e-3, `weights off by ${off}`);
    assert.ok(Math.abs(there.heldOut.at(-1)! - here.heldOut.at(-1)!) < 1e-3);
    const name = `there-broken-${optimizer}`;
    const stop: Watch = { platform: keeping, onStep: (row, end) => row.step === 3 && end() };
    await run(name, changes, stop);
    const resumed = await run(name, changes, { platform: keeping });
    assert.equal(resumed.hash, there.hash);
  });

test('memory that ends on a device lowers the rows at once; no step is told twice', async () => {
  const notices: LearnerNotice[] = [];
  const changes = { steps: SEGMENT_STEPS, optimizer: 'muon' } as const;
  const whole = await run('roomy', changes, { platform: keeping });
  const short = await run('short', changes, {
    platform: endingMemory({ runs: 5, rows: 16 }),
    onNotice: (notice) => notices.push(notice),
  });
  assert.deepEqual(notices, [{ kind: 'micro-batch', rows: 1 }]);
  assert.deepEqual(
    short.rows.map(({ step }) => step),
    whole.rows.map(({ step }) => step),
  );
  assert.ok(farthest(short.result.parameters, whole.result.parameters) < 1e-3);
});

/** After some runs of gradients there is no memory for more than so many positions at once. */
function endingMemory({ runs, rows }: { runs: number; rows: number }): Platform {
  let left = runs;
  return {
    ...keeping,
    async openKeeping(model, options) {
      const session = await processor.openKeeping!(model, options);
      return {
        ...session,
        run: async (feeds) => {
          const positions = feeds['inputs']?.shape[0] ?? 0;
          if (positions > rows && left-- <= 0) throw new Error('failed to allocate memory');
          return await session.run(feeds);
        },
      };
    },
  };
}

test('a finished run is not trained further, and another setting is refused by name', async () => {
  const first = await run('again');
  const second = await run('again');
  assert.deepEqual([second.rows.length, second.hash], [0, first.hash]);
  await assert.rejects(run('again', { learningRate: 2e-2 }), (error: unknown) => {
    assert.deepEqual((error as { info: object }).info, {
      ...{
        code: 'RUN_MISMATCH',
        dir: join(root, 'again'),
        setting: 'learningRate',
        stored: 1e-2,
        asked: 2e-2,
      },
    });
    return true;
  });
});

test('a damaged state is refused with the tensor that is damaged, or as damaged where none is', async () => {
  await run('damaged', { steps: SEGMENT_STEPS });
  const path = stateFile(join(root, 'damaged'));
  const sound = readFileSync(path);
  const bytes = Buffer.from(sound);
  bytes[bytes.indexOf(`"step\\":${SEGMENT_STEPS}`) + 7]! ^= 1; // a step more was done, it says
  writeFileSync(path, bytes);
  await assert.rejects(run('damaged', { steps: SEGMENT_STEPS }), { code: 'RUN_DAMAGED' });
  bytes.set(sound);
  bytes[bytes.length - 10]! ^= 1;
  writeFileSync(path, bytes);
  await assert.rejects(run('damaged', { steps: SEGMENT_STEPS }), (error: unknown) => {
    const { code, tensor } = (error as { info: { code: string; tensor: string } }).info;
    assert.deepEqual([code, tensor], ['CHECKPOINT_HASH_MISMATCH', 'optimizer state']);
    return true;
  });
});

test('a dataset without enough rows for a step is refused', async () => {
  await assert.rejects(run('large', { rowsPerStep: 100_000 }), { code: 'RUN_DATA_TOO_SMALL' });
});
