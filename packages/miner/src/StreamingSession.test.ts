/** @file The computing half of a miner on weights in a file: what it sends, what it keeps, and what stops it. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { initParameters, modelLayout, resolveModel } from '@alice/model';
import {
  decodeAnySubmission,
  entryCount,
  errorCodeOf,
  initCrypto,
  keyPairFromSecret,
  type Task,
  toHex,
} from '@alice/protocol';
import { StreamingSession } from './StreamingSession.js';
import { NETWORK_ID, PublishedModel } from './testing/PublishedModel.js';

const model = resolveModel('nano', { layers: 2, width: 32, heads: 2, kvHeads: 1, ffn: 48, vocab: 64 });
const layout = modelLayout(model);
const ROWS = 4;
const SEQUENCE = 8;
const SHARDS = new Map([[0, Uint8Array.from({ length: 1000 }, (_, i) => (i % 2 === 0 ? (i * 7) % 64 : 0))]]);
const coded = (code: string) => (error: unknown) => errorCodeOf(error) === code;

let dir = '';
let network: PublishedModel;
let nowMs = 0;
let isStopping = false;
let layers: number[] = [];
const folders: string[] = [];
before(initCrypto);
after(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'alice-streaming-'));
  folders.push(dir);
  network = new PublishedModel(layout, keyPairFromSecret('//Server'));
  await network.publish(initParameters(model, 'streaming'));
  [nowMs, isStopping, layers] = [0, false, []];
});

/** Opened and synced: made anew, it is what a restart finds. */
async function start(options: { onLayer?: () => void } = {}): Promise<StreamingSession> {
  const session = new StreamingSession({
    source: {
      blob: (request) => network.blob(request),
      version: async (version) => network.manifests[version],
      onStep: () => {},
      onLayer: ({ done }) => {
        layers.push(done);
        options.onLayer?.();
      },
    },
    nowMs: () => nowMs,
    stopRequested: () => isStopping,
  });
  const { address: serverId } = network.key;
  const who = { dir, address: 'a2x', instance: 'one', networkId: NETWORK_ID, serverId };
  await session.open({ ...who, threads: 1, model, streamed: true });
  await session.sync({ manifest: network.manifests.at(-1)!, fromSnapshot: false });
  return session;
}

function taskOf(n: number, settings: Partial<Task['settings']> = {}): Task {
  const bytes = (length: number): string => toHex(new Uint8Array(length).fill(n));
  const { version, stateRoot } = network.manifests.at(-1)!;
  return {
    ...{ taskId: bytes(16), nonce: bytes(32), round: n, version, stateRoot, objective: 'lm' as const },
    ...{ ranges: [{ shard: 0, from: 10, count: 200 }], seed: 'seed', deadlineMs: 1e15, windowMs: 1e9 },
    settings: {
      ...{ optimizer: 'adafactor', innerSteps: 1, rowsPerStep: ROWS, sequenceLength: SEQUENCE },
      ...{ learningRates: [0.01], weightDecay: 0, gradientClip: 1, density: 0.1, errorFeedbackDecay: 0 },
      format: { wire: 'binary_v3', valueBits: 2 },
      ...settings,
    },
  };
}

const train = (session: StreamingSession, task: Task, windowMs = 1e9) =>
  session.train({ task, shards: SHARDS, windowMs });
const sizes = { layout, maxEntries: layout.size, maxInflatedBytes: 1e7 };

describe('a task on weights in a file', () => {
  it('gives one step over its rows, for exactly that task, layer by layer', async () => {
    const session = await start();
    const trained = await train(session, taskOf(1));
    assert(trained.kind === 'work', JSON.stringify(trained));
    assert.deepEqual([trained.steps, trained.tokens, trained.microBatch], [1, ROWS * SEQUENCE, ROWS]);
    assert.deepEqual(layers, [1, 2, 3, 4, 5]);
    const { header, delta } = await decodeAnySubmission(await session.submission(taskOf(1).taskId), sizes);
    assert.deepEqual([header.taskId, header.tokens], [taskOf(1).taskId, ROWS * SEQUENCE]);
    assert.ok(entryCount(delta) > 0.05 * layout.size && entryCount(delta) < 0.2 * layout.size);
    await session.close();
  });

  it('survives a restart: unsent work, and the same bytes of the next task', async () => {
    const whole = await start();
    await train(whole, taskOf(1));
    await train(whole, taskOf(2));
    const want = await whole.submission(taskOf(2).taskId);
    await whole.close();
    dir = await mkdtemp(join(tmpdir(), 'alice-streaming-'));
    folders.push(dir);
    await train(await start(), taskOf(1)); // killed here: never closed
    const restarted = await start();
    assert.deepEqual((await restarted.submission(taskOf(1).taskId)).length > 0, true);
    await train(restarted, taskOf(2));
    assert.deepEqual(await restarted.submission(taskOf(2).taskId), want);
    await restarted.settle({ taskId: taskOf(1).taskId, outcome: 'returned' });
    await assert.rejects(restarted.submission(taskOf(1).taskId), coded('WORK_UNKNOWN'));
    await restarted.close();
  });

  it('stops between two layers, and the next task is as if nothing had been', async () => {
    const session = await start({
      onLayer: () => {
        isStopping = layers.length === 3;
      },
    });
    assert.deepEqual(await train(session, taskOf(1)), {
      ...{ kind: 'nothing', code: 'STOPPED', reason: 'the miner is stopping' },
    });
    isStopping = false;
    await train(session, taskOf(1));
    const got = await session.submission(taskOf(1).taskId);
    await session.close();
    dir = await mkdtemp(join(tmpdir(), 'alice-streaming-'));
    folders.push(dir);
    const fresh = await start();
    await train(fresh, taskOf(1));
    assert.deepEqual(got, await fresh.submission(taskOf(1).taskId));
    await fresh.close();
  });

  it('begins nothing that the last task says will not end in time', async () => {
    const session = await start({
      onLayer: () => {
        nowMs += 100;
      },
    });
    assert.equal((await train(session, taskOf(1), 10)).kind, 'work'); // the first is tried
    const late = await train(session, taskOf(2), 600);
    assert(late.kind === 'nothing');
    assert.equal(late.code, 'WINDOW_TOO_SHORT');
    assert.equal((await train(session, taskOf(2), 700)).kind, 'work');
    await session.close();
  });

  it('refuses what needs the whole model, another version, and damaged weights until they are healed', async () => {
    const session = await start();
    await assert.rejects(train(session, taskOf(1, { optimizer: 'muon' })), coded('NOT_STREAMABLE'));
    const other = { ...taskOf(1), version: 7 };
    await assert.rejects(train(session, other), coded('SYNC_FIRST'));
    const path = join(dir, 'weights', 'weights.f16');
    const bytes = await readFile(path);
    bytes[bytes.length >> 1]! ^= 1;
    await writeFile(path, bytes);
    await assert.rejects(train(session, taskOf(1)), coded('CHECKPOINT_HASH_MISMATCH'));
    const before = network.fetched.length;
    await session.sync({ manifest: network.manifests[0]!, fromSnapshot: true });
    assert.equal(network.fetched.length, before + 1, 'one chunk heals it');
    assert.equal((await train(session, taskOf(1))).kind, 'work');
    await session.close();
  });

  it('follows the next version by its changes alone', async () => {
    const session = await start();
    const next = initParameters(model, 'streaming');
    next[3]! += 1;
    const manifest = await network.publish(next);
    const synced = await session.sync({ manifest, fromSnapshot: false });
    assert.deepEqual([synced.version, synced.how], [1, 'deltas']);
    assert.equal((await train(session, taskOf(1))).kind, 'work');
    await session.close();
  });
});
