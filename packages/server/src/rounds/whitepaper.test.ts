/**
 * @file The whitepaper's literal protocol on the live server (WP 2.4), with made-up losses: what its tasks say, that any
 * gain above zero passes and none does not, and that the raw score is what is paid.
 */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, it } from 'node:test';
import { whitepaperSettings } from '@alice/training';
import type { ServerCore } from '../ServerCore.js';
import { submissionFor, TestClient } from '../testing/TestClient.js';
import { createTinyNetwork, type TinyNetwork, tinyTraining } from '../testing/tinyNetwork.js';

const training = whitepaperSettings(tinyTraining);

let network: TinyNetwork;
let core: ServerCore;
let scorer: TestClient;
let miner: TestClient;

beforeEach(async () => {
  network = await createTinyNetwork({ training });
  core = await network.open();
  scorer = await new TestClient(core, network.scorer, 'scorer').register();
  miner = await new TestClient(core, network.miner).register();
  await scorer.scoreAll();
});
afterEach(async () => {
  await core.close();
  network.remove();
});

/** Few enough entries for 0.1% of the model. */
async function contribute(gain: number): Promise<{ status: string; code: string | null; score: number }> {
  const task = await miner.task();
  const delta = { tensors: [{ tensor: 0, indices: Uint32Array.of(3), values: Float32Array.of(gain) }] };
  const bytes = await submissionFor(task, core.context.layout, { delta });
  const { submissionId } = (await miner.submit(task, bytes)).body;
  await scorer.scoreAll(({ kind }) => (kind === 'submission' ? gain : 0.05));
  const { status, code, score } = await miner.submission(submissionId);
  return { status, code, score: Number(score) };
}

it('asks for one accumulated gradient, 0.1% of the whole model and no error feedback', async () => {
  const { settings } = await miner.task();
  const { optimizer, innerSteps, rowsPerStep, density, selection, errorFeedbackDecay, format } = settings;
  assert.deepEqual(
    { optimizer, innerSteps, rowsPerStep, density, selection, errorFeedbackDecay, format },
    {
      optimizer: 'sgd',
      innerSteps: 1,
      rowsPerStep: tinyTraining.innerSteps * tinyTraining.rowsPerStep,
      density: 0.001,
      selection: 'global',
      errorFeedbackDecay: 0,
      format: { wire: 'binary_v2' },
    },
  );
});

it('accepts any gain above zero after one look and pays it as it is; refuses what gains nothing', async () => {
  const small = await contribute(1e-4);
  assert.equal(small.status, 'accepted');
  // Made-up rows gain 1e-4 · (1 + 0.1 cos i): 1e-4 on average, to a tenth.
  assert.ok(Math.abs(small.score - 1e5) < 1e4, `${small.score} nano-nats`);
  assert.equal((await contribute(-1e-4)).code, 'NOT_HELPFUL');
  assert.equal((await contribute(0)).code, 'NOISE');
});
