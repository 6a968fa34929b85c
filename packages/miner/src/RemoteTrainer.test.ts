/** @file The real thing in its thread or process, on a very small transformer: it learns, stops when told, restarts. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createLossFunction, initParameters, type ModelConfig, modelLayout } from '@alice/model';
import {
  decodeSubmission,
  errorCodeOf,
  fromHalves,
  initCrypto,
  keyPairFromSecret,
  ServerClient,
  seededRandom,
  silentLogger,
  type Task,
  toHalves,
  toHex,
  type VersionManifest,
} from '@alice/protocol';
import { applyDelta, flattenDelta } from '@alice/training';
import { assembleMiner, trainerSource } from './assembleMiner.js';
import { ContentCache } from './ContentCache.js';
import { deviceInfo } from './deviceInfo.js';
import type { MinerEvent } from './events.js';
import { folderBytes } from './folderBytes.js';
import { RemoteTrainer } from './RemoteTrainer.js';
import { rowsOfTask } from './taskRows.js';
import { NETWORK_ID, PublishedModel } from './testing/PublishedModel.js';
import { TaskServer } from './testing/TaskServer.js';
import type { TrainerSource } from './trainer.js';

const model: ModelConfig = {
  name: 'test',
  layers: 1,
  width: 32,
  heads: 2,
  kvHeads: 1,
  ffn: 64,
  context: 16,
  vocab: 64,
  ropeTheta: 1e4,
  normEps: 1e-5,
};
const layout = modelLayout(model);
const settings = {
  optimizer: 'muon',
  innerSteps: 8,
  rowsPerStep: 4,
  sequenceLength: 16,
  learningRates: Array(8).fill(0.02),
  weightDecay: 0.01,
  gradientClip: 1,
  density: 0.1,
  errorFeedbackDecay: 0.95,
} as const;

let dir = '';
let network: PublishedModel;
let manifest: VersionManifest;
before(async () => {
  await initCrypto();
  dir = await mkdtemp(join(tmpdir(), 'alice-thread-'));
  network = new PublishedModel(layout, keyPairFromSecret('//Server'));
  manifest = await network.publish(initParameters(model, 'seed'));
});
after(() => rm(dir, { recursive: true, force: true }));

/** Text in which each token tells the next one: it can be learned in a few steps. */
function shard(): Uint8Array {
  const random = seededRandom('text');
  let token = 1;
  const tokens = Uint16Array.from(
    { length: 2000 },
    () => (token = random.below(10) === 0 ? random.below(64) : (token * 5 + 3) % 64),
  );
  return new Uint8Array(tokens.buffer);
}

const task = (n: number): Task => ({
  taskId: toHex(new Uint8Array(16).fill(n)),
  nonce: toHex(new Uint8Array(32).fill(n)),
  round: n,
  version: 0,
  stateRoot: manifest.stateRoot,
  objective: 'lm',
  ranges: [{ shard: 0, from: 0, count: 1000 }],
  seed: 's',
  settings: { ...settings, learningRates: [...settings.learningRates] },
  deadlineMs: 1e15,
  windowMs: 1e9,
});

const sourceOf = (onStep: TrainerSource['onStep']): TrainerSource => ({
  blob: (request) => network.blob(request),
  version: async (v) => network.manifests[v],
  onStep,
});
const thread = (onStep: TrainerSource['onStep'] = () => {}): RemoteTrainer =>
  new RemoteTrainer(sourceOf(onStep));
const request = () => ({
  dir,
  address: 'a2x',
  instance: 'one',
  threads: 1,
  networkId: NETWORK_ID,
  serverId: network.key.address,
  model,
});

describe('RemoteTrainer', () => {
  it('trains in another thread, and the sparse delta it sends lowers the loss', async () => {
    const steps: number[] = [];
    const one = thread(({ lossNats }) => steps.push(lossNats));
    assert.deepEqual(await one.open(request()), { state: 'fresh', unsettled: [] });
    await one.sync({ manifest, fromSnapshot: false });
    const trained = await one.train({ task: task(1), shards: new Map([[0, shard()]]), windowMs: 1e9 });
    assert(trained.kind === 'work');
    assert.deepEqual([trained.steps, trained.tokens, steps.length], [8, 8 * 4 * 16, 8]);
    assert(Math.abs(steps[0]! - Math.log(64)) < 0.2 && steps[7]! < steps[0]! - 0.1, `losses ${steps}`);
    const bytes = await one.submission(task(1).taskId);
    assert.deepEqual(await one.submission(task(1).taskId), bytes, 'it can be sent again');
    await one.close();
    const { delta } = await decodeSubmission(bytes, {
      layout,
      maxEntries: layout.size,
      maxInflatedBytes: 1e7,
    });
    const losses = await createLossFunction(model, { batch: 8, sequenceLength: 16, threads: 1 });
    const { rows } = rowsOfTask(task(1), new Map([[0, shard()]]));
    const parameters = fromHalves(toHalves(initParameters(model, 'seed')));
    const mean = async () =>
      (await losses.run(parameters, rows)).reduce((a, b) => a + b, 0) / (rows.length / 17);
    const before = await mean();
    applyDelta(parameters, flattenDelta(delta, layout), 1);
    assert((await mean()) < before - 0.05);
    await losses.dispose();
  });

  it('goes on from disk in a new thread', async () => {
    const two = thread();
    const { state, unsettled } = await two.open(request());
    assert.equal(state, 'resumed');
    assert.deepEqual(
      unsettled.map((work) => work.taskId),
      [task(1).taskId],
    );
    assert.deepEqual((await two.sync({ manifest, fromSnapshot: false })).how, 'none');
    await two.close();
  });

  it('carries coded errors across, and a closed thread starts anew when it is used again', async () => {
    const one = thread();
    await one.open(request());
    const foreign = { ...manifest, version: 5 };
    await assert.rejects(
      one.sync({ manifest: foreign, fromSnapshot: false }),
      (error) => errorCodeOf(error) === 'VERSION_SIGNATURE_INVALID',
    );
    await one.close();
    assert.equal((await one.open(request())).state, 'resumed');
    await one.close();
    await one.close();
  });

  it('stops between two steps when told', async () => {
    const one = thread(({ step }) => step === 0 && one.stop());
    await one.open(request());
    await one.sync({ manifest, fromSnapshot: false });
    const many = { ...settings, rowsPerStep: 1, innerSteps: 60, learningRates: Array(60).fill(0.01) };
    const trained = await one.train({
      task: { ...task(2), settings: many },
      shards: new Map([[0, shard()]]),
      windowMs: 1e9,
    });
    assert(trained.kind === 'nothing' && trained.code === 'STOPPED');
    await one.close();
  });
});

describe('a device that crashes in the midst of a task', () => {
  const program = new URL('./testing/crashingTraining.js', import.meta.url);

  it('ends its process alone; the processor does the task', async (t) => {
    const lost: string[] = [];
    const steps: number[] = [];
    const source = sourceOf(({ step }) => void steps.push(step));
    const folder = await mkdtemp(join(tmpdir(), 'alice-crash-'));
    const one = new RemoteTrainer(source, {
      ...{ device: 'webgpu', precision: 'fp16', program },
      onDeviceLost: (device, reason) => lost.push(`${device} ${reason}`),
    });
    t.after(() => one.close());
    const work = { task: task(1), shards: new Map([[0, shard()]]), windowMs: 1e9 };
    const opened = { ...request(), dir: folder };
    await one.open(opened);
    await one.sync({ manifest, fromSnapshot: false });
    await assert.rejects(one.train(work), { info: { code: 'THREAD_ENDED', reason: 'SIGABRT' } });
    assert.deepEqual([lost, steps], [['webgpu SIGABRT'], [0]]);

    assert.equal((await one.open(opened)).state, 'fresh');
    await one.sync({ manifest, fromSnapshot: false });
    const trained = await one.train(work);
    assert(trained.kind === 'work');
    assert.equal(trained.steps, 8);
    await one.close();
    assert.equal(lost.length, 1);
    await rm(folder, { recursive: true, force: true });
  });

  it('costs a whole miner a pause, not the task', async (t) => {
    const server = await TaskServer.start({
      model,
      settings: { ...settings, learningRates: [...settings.learningRates] },
    });
    const folder = await mkdtemp(join(tmpdir(), 'alice-crash-'));
    const key = keyPairFromSecret('//Miner');
    const member = { key, instance: 'one', role: 'miner', device: deviceInfo(1) } as const;
    const client = new ServerClient({ url: server.url, member });
    const cache = await ContentCache.open({
      store: await folderBytes(join(folder, 'cache')),
      maxBytes: 2 ** 24,
    });
    const events: MinerEvent[] = [];
    const onEvent = (event: MinerEvent): void => void events.push(event);
    const trainer = new RemoteTrainer(trainerSource({ client, cache }, onEvent), { device: 'cuda', program });
    t.after(() => trainer.close());
    const prepare = async () => {
      const { networkId, serverId } = await client.network();
      return { ...request(), dir: folder, networkId, serverId, address: key.address };
    };
    const ports = { log: silentLogger, signal: new AbortController().signal, onEvent };
    await assembleMiner({ client, cache, trainer, prepare, maxTasks: 1 }, ports).run();
    const told = events
      .map((event) => event.type)
      .filter((type) => /dropped|trained|submitted|accepted/.test(type));
    assert.deepEqual(told, ['dropped', 'trained', 'submitted', 'accepted']);
    assert((await server.submissionOf('one')).length > 0);
    server.close();
    await rm(folder, { recursive: true, force: true });
  });
});
