/**
 * @file The whole learning path on real English text with a small model: train, compress, encode, decode, score,
 * aggregate, gate, publish. Two honest miners must learn; a miner who sends the negated delta must never get in.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import {
  assignRanges,
  buildDataset,
  cutRows,
  type Dataset,
  openDataset,
  sampleRows,
  shuffleRows,
} from '@alice/data';
import {
  createGradientFunction,
  createLossFunction,
  initParameters,
  modelLayout,
  openTokenizer,
  resolveModel,
} from '@alice/model';
import {
  decodeSubmission,
  encodeSubmission,
  fromHalves,
  type SparseDelta,
  stateRoot,
  toHex,
} from '@alice/protocol';
import { outerStep } from './aggregation/outerStep.js';
import { publishHalves } from './aggregation/publishHalves.js';
import { StreamingAggregator } from './aggregation/streamingAggregator.js';
import { ErrorFeedback } from './compression/errorFeedback.js';
import { flattenDelta } from './flatDelta.js';
import { trainLocally } from './localTraining.js';
import { decideMerge } from './mergeGate.js';
import { createMuon } from './optimizers/muon.js';
import { learningRateAt } from './schedule.js';
import { scoreSequentially } from './scoring/scoreSequentially.js';
import { defaultTrainingSettings } from './trainingSettings.js';

const T = 64;
const ROUNDS = 8;
const VOCAB = 1024;
const config = resolveModel('nano', {
  layers: 2,
  width: 64,
  heads: 2,
  kvHeads: 1,
  ffn: 192,
  context: T,
  vocab: VOCAB,
});
const layout = modelLayout(config);
const settings = { ...defaultTrainingSettings, innerSteps: 8, sequenceLength: T };
const schedule = { ...settings.schedule, peak: 1e-2, warmupSteps: 8 };

let dir: string;
let dataset: Dataset;
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'alice-convergence-'));
  const tokenizer = await openTokenizer(`gpt2-${VOCAB}`);
  await buildDataset({ source: 'builtin', outDir: dir, tokenizer, seed: 'convergence' });
  dataset = openDataset(dir);
});
after(() => rm(dir, { recursive: true, force: true }));

const heldOut = (seed: string, rows: number) =>
  sampleRows({ dataset, split: 'validation', rows, rowLength: T + 1, seed });

async function taskRows(miner: string, round: number): Promise<Uint16Array> {
  const rows = settings.innerSteps * settings.rowsPerStep;
  const ranges = assignRanges({
    seed: 's',
    miner,
    round,
    shards: dataset.manifest.shards,
    rows,
    rowLength: T + 1,
    shardsPerTask: 8,
  });
  const cut: number[] = [];
  for (const { shard, from, count } of ranges)
    cut.push(...cutRows((await dataset.shard(shard)).subarray(from, from + count), T + 1));
  return shuffleRows(Uint16Array.from(cut), T + 1, `${miner}/${round}`);
}

/** Through the wire format and back, as the server sees it. */
async function overTheWire(delta: SparseDelta, halves: Uint16Array, round: number): Promise<SparseDelta> {
  const header = {
    taskId: toHex(new Uint8Array(16)),
    nonce: toHex(new Uint8Array(32)),
    stateRoot: stateRoot(halves, layout),
    baseVersion: round,
    innerSteps: settings.innerSteps,
    tokens: settings.innerSteps * settings.rowsPerStep * T,
    meanTrainingLossNats: 1,
  };
  const bytes = await encodeSubmission(header, delta, layout);
  const limits = { layout, maxEntries: layout.size, maxInflatedBytes: 8 * layout.size };
  return (await decodeSubmission(bytes, limits)).delta;
}

const negated = ({ tensors }: SparseDelta): SparseDelta => ({
  tensors: tensors.map((part) => ({ ...part, values: part.values.map((x) => -x) })),
});
const mean = (losses: Float64Array) => losses.reduce((a, b) => a + b, 0) / losses.length;

test('two honest miners and one who flips the sign: the model learns and the flipped deltas are refused', async () => {
  const gradientFunction = await createGradientFunction(config, {
    batch: settings.rowsPerStep,
    sequenceLength: T,
    threads: 2,
  });
  const lossFunction = await createLossFunction(config, { batch: 16, sequenceLength: T, threads: 2 });
  const optimizer = await createMuon(layout, { threads: 2 });
  const codecs = { honest: newCodec(), second: newCodec(), flipper: newCodec() };
  let master = fromHalves(publishHalves(initParameters(config, 'convergence')));
  const rows = await heldOut('merge', 64);
  const first = await lossFunction.run(master, rows);
  let losses = first;
  for (let round = 0; round < ROUNDS; round++) {
    const halves = publishHalves(master);
    const base = fromHalves(halves);
    const aggregator = new StreamingAggregator(layout);
    for (const [miner, codec] of Object.entries(codecs)) {
      const { delta } = await trainLocally({
        gradientFunction,
        optimizer,
        base,
        rows: await taskRows(miner, round),
        steps: settings.innerSteps,
        rowsPerStep: settings.rowsPerStep,
        learningRateAt: (step) => learningRateAt(schedule, round * settings.innerSteps + step),
      });
      const compressed = codec.compress(delta);
      const sent = miner === 'flipper' ? negated(compressed) : compressed;
      const received = await overTheWire(sent, halves, round);
      assert.deepEqual(received, sent);
      const { verdict } = await scoreSequentially({
        lossFunction,
        parameters: base,
        delta: flattenDelta(received, layout),
        stepFraction: settings.stepFraction,
        batchAt: async (look) => ({ rows: await heldOut(`score/${round}/${look}`, settings.scoringRows) }),
      });
      assert.equal(verdict, miner === 'flipper' ? 'refuse' : 'accept', `${miner} in round ${round}`);
      if (verdict === 'accept') aggregator.add({ delta: received });
    }
    const candidate = master.slice();
    const aggregate = aggregator.aggregate();
    outerStep({ master: candidate, delta: aggregate, learningRate: settings.outerLearningRate });
    const candidateLosses = await lossFunction.run(fromHalves(publishHalves(candidate)), rows);
    assert.equal(decideMerge(losses, candidateLosses).verdict, 'apply', `round ${round}`);
    if (round === ROUNDS - 1) {
      const flipped = master.slice();
      outerStep({ master: flipped, delta: aggregate, learningRate: -settings.outerLearningRate });
      const flippedLosses = await lossFunction.run(fromHalves(publishHalves(flipped)), rows);
      assert.equal(
        decideMerge(losses, flippedLosses).verdict,
        'roll-back',
        'the same aggregate with its sign flipped',
      );
    }
    master = candidate;
    losses = candidateLosses;
  }
  await Promise.all([gradientFunction.dispose(), lossFunction.dispose(), optimizer.dispose()]);
  assert.ok(Math.abs(mean(first) - Math.log(VOCAB)) < 0.1, `starts near uniform: ${mean(first)}`);
  assert.ok(mean(losses) < mean(first) - 1, `${mean(first)} → ${mean(losses)} nats`);
});

function newCodec(): ErrorFeedback {
  return new ErrorFeedback(layout, { density: settings.density, decay: settings.errorFeedbackDecay });
}
