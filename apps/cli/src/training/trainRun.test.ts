/** @file A run that was stopped or killed ends with the same bits as one that was not, and refuses what would change it. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { buildDataset, type Dataset, openDataset } from '@alice/data';
import { checkConfig, openTokenizer, resolveModel } from '@alice/model';
import { bytesOf, seededRandom, sha256Hex } from '@alice/protocol';
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
  readonly onStep?: (row: LossRow, stop: () => void) => void;
}

async function run(name: string, changes: Partial<RunSettings> = {}, watch: Watch = {}) {
  const stop = new AbortController();
  const rows: LossRow[] = [];
  const heldOut: number[] = [];
  const options: TrainRunOptions = {
    ...{ dir: join(root, name), model, settings: settings(changes), threads: 1, microBatch: 2 },
    lessons: { objective: 'lm', dataset },
    ...{ saveEvery: 2 * SEGMENT_STEPS, evaluateEvery: SEGMENT_STEPS },
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

test('a damaged state is refused with the tensor that is damaged', async () => {
  await run('damaged', { steps: SEGMENT_STEPS });
  const path = stateFile(join(root, 'damaged'));
  const bytes = readFileSync(path);
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
