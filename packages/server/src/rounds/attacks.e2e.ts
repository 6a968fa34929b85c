/**
 * @file Real training and real cheating against the classes of the live server: five honest devices, then lazy work, a copy
 * of a published update, rows of its own choice. Honest work is accepted and paid; cheats are refused before the fold.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { buildDataset } from '@alice/data';
import { type ModelConfig, openTokenizer } from '@alice/model';
import type { SparseDelta } from '@alice/protocol';
import { defaultTrainingSettings, selectTopK } from '@alice/training';
import type { ServerCore } from '../ServerCore.js';
import { openRealScorer, type RealScorer } from '../testing/scoreForReal.js';
import { TestClient } from '../testing/TestClient.js';
import {
  type Conduct,
  honestly,
  openSharedGraphs,
  type SharedGraphs,
  TrainingDevice,
  weightsOf,
} from '../testing/TrainingDevice.js';
import { createTinyNetwork, type TinyNetwork } from '../testing/tinyNetwork.js';

/** Words, not letters: a row must hold something that training on it and nothing else can teach. */
const VOCAB = 1024;
const model: ModelConfig = {
  name: 'test',
  layers: 2,
  width: 64,
  heads: 2,
  kvHeads: 1,
  ffn: 192,
  context: 64,
  vocab: VOCAB,
  ropeTheta: 10_000,
  normEps: 1e-5,
};
const training = {
  ...defaultTrainingSettings,
  innerSteps: 4,
  sequenceLength: 64,
  schedule: { ...defaultTrainingSettings.schedule, peak: 1e-2, warmupSteps: 16 },
};
const HONEST = 5;
const WARM_UP = 6;

describe('cheating a live server', () => {
  let dir: string;
  let network: TinyNetwork;
  let core: ServerCore;
  let graphs: SharedGraphs;
  let scorer: RealScorer;
  let honest: TrainingDevice[];
  let cheat: TrainingDevice;
  let sentByHonest = 0;

  before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'alice-attacks-'));
    const dataDir = join(dir, 'data');
    const tokenizer = await openTokenizer(`gpt2-${VOCAB}`);
    await buildDataset({ source: 'builtin', outDir: dataDir, seed: 'attacks', tokenizer });
    network = await createTinyNetwork({ model, training, dataDir, tokenizerId: `gpt2-${VOCAB}` });
    core = await network.open();
    graphs = await openSharedGraphs(core);
    const device = async (instance: string) => {
      const client = await new TestClient(core, network.miner, 'miner', instance).register();
      return new TrainingDevice(core, client, graphs);
    };
    honest = await Promise.all(Array.from({ length: HONEST }, (_, i) => device(`honest-${i}`)));
    cheat = await device('cheat');
    scorer = await openRealScorer(core, await new TestClient(core, network.scorer, 'scorer').register());
    await scorer.scoreAll();
    for (let round = 0; round < WARM_UP; round++) await playRound(honestly);
  });
  after(async () => {
    await scorer?.close();
    await graphs?.dispose();
    await core?.close();
    network?.remove();
    rmSync(dir, { recursive: true, force: true });
  });

  /** A round in which all honest devices work and one behaves as told; how it fared beside them. */
  async function playRound(conduct: Conduct) {
    const sent = [];
    for (const device of honest) sent.push({ device, ...(await device.contribute()) });
    const tried = await cheat.contribute(conduct);
    await scorer.scoreAll();
    sentByHonest += sent.length;
    const scores: number[] = [];
    for (const { device, submissionId } of sent) {
      const { status, code, reason, score } = await device.client.submission(submissionId);
      assert.equal(status, 'accepted', `honest work was refused: ${code} ${reason}`);
      scores.push(Number(score));
    }
    const { status, code, score } = await cheat.client.submission(tried.submissionId);
    const mean = scores.reduce((sum, x) => sum + x, 0) / scores.length;
    return { outcome: code ?? status, pay: Number(score) / mean };
  }

  it('learned, with all honest work accepted', async () => {
    const { versions, submissions } = (await cheat.client.call('status')).body;
    assert.equal(versions.length, WARM_UP + 1);
    assert.ok(versions.at(-1).heldOutLossNats < versions[0].heldOutLossNats - 1);
    assert.deepEqual(submissions.refused, {});
  });

  it('refuses a quarter of the work, scaled up', async () => {
    const lazy: Conduct = async ({ train, rows, compress }) =>
      compress((await train(rows, 1)).map((x) => 4 * x));
    assert.deepEqual(await playRound(lazy), { outcome: 'TOO_LITTLE_WORK', pay: 0 });
  });

  it('refuses a quarter of the rows of every step', async () => {
    const thin: Conduct = async ({ task, train, rows, compress }) => {
      const { rowsPerStep, sequenceLength, innerSteps } = task.settings;
      const [batch, kept] = [rowsPerStep * (sequenceLength + 1), (rowsPerStep / 4) * (sequenceLength + 1)];
      return compress(
        await train(
          rows.map((_, i) => rows[i - (i % batch) + ((i % batch) % kept)]!),
          innerSteps,
        ),
      );
    };
    assert.deepEqual(await playRound(thin), { outcome: 'TOO_LITTLE_WORK', pay: 0 });
  });

  it('refuses full work on rows of its own choice', async () => {
    const elsewhere: Conduct = async ({ task, train, compress }) => {
      const { from, shard, count } = task.ranges[0]!;
      const other = {
        ...task,
        ranges: task.ranges.map((range) => ({ ...range, from: from + 64, shard, count })),
      };
      const span = task.settings.innerSteps * task.settings.rowsPerStep * 64 + 1;
      const rows = await cheat.rowsOf({
        ...other,
        ranges: [{ shard: (shard + 1) % 8, from: 4096, count: span }],
      });
      return compress(await train(rows, task.settings.innerSteps));
    };
    assert.deepEqual(await playRound(elsewhere), { outcome: 'TOO_LITTLE_WORK', pay: 0 });
  });

  it('refuses published updates sent again, up to four versions old', async () => {
    const resend =
      (age: number): Conduct =>
      async ({ task }) => {
        const [to, from] = [
          await weightsOf(core, task.version - age),
          await weightsOf(core, task.version - age - 1),
        ];
        const update = to.map((x, i) => x - from[i]!);
        const { layout } = core.context;
        return selectTopK(update, { layout, density: training.density, selection: 'chunked' });
      };
    assert.deepEqual(await playRound(resend(0)), { outcome: 'COPY', pay: 0 });
    assert.deepEqual(await playRound(resend(1)), { outcome: 'COPY', pay: 0 });
  });

  it('refuses a disguised copy of what another sent in the round', async () => {
    const disguise: Conduct = async () => {
      const [row] = await core.context.db.query<{ blob_hash: `0x${string}` }>(
        'SELECT blob_hash FROM submissions ORDER BY sequence DESC LIMIT 1',
      );
      const { decodeAnySubmission } = await import('@alice/protocol');
      const limits = { layout: core.context.layout, ...core.context.bounds };
      const { delta } = await decodeAnySubmission(await core.context.blobs.get(row!.blob_hash), limits);
      return moved(delta);
    };
    assert.deepEqual(await playRound(disguise), { outcome: 'TOO_LITTLE_WORK', pay: 0 });
  });

  it('pays honest work, newcomer or not, its share to the end', async () => {
    const { outcome, pay } = await playRound(honestly);
    assert.equal(outcome, 'accepted');
    assert.ok(pay > 0.5 && pay < 1.5, `paid ${pay} times the others`);
    assert.equal(sentByHonest, HONEST * (WARM_UP + 7));
  });
});

/** The same delta with every fifth entry shifted by one place where that is free. */
function moved({ tensors }: SparseDelta): SparseDelta {
  return {
    tensors: tensors.map(({ tensor, indices, values }) => {
      const taken = new Set(indices);
      const shifted = indices.map((index, i) =>
        i % 5 === 0 && index > 0 && !taken.has(index - 1) ? index - 1 : index,
      );
      return { tensor, indices: shifted, values };
    }),
  };
}
