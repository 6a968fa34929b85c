/** @file The computing half without its thread: what it sends, what it keeps, and what survives a crash at any point. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import {
  CodedError,
  decodeAnySubmission,
  errorCodeOf,
  initCrypto,
  keyPairFromSecret,
  type SparseDelta,
  type Task,
  toHex,
  type VersionManifest,
} from '@alice/protocol';
import { flattenDelta } from '@alice/training';
import { fileStates } from './stateFile.js';
import { TrainingSession } from './TrainingSession.js';
import { TrainingState } from './TrainingState.js';
import {
  FAKE_LAYOUT,
  FAKE_MODEL,
  FAKE_SETTINGS,
  type FakeComputeOptions,
  fakeCompute,
} from './testing/fakeCompute.js';
import { NETWORK_ID, PublishedModel } from './testing/PublishedModel.js';
import type { Trained, TrainerSource } from './trainer.js';

const SIZE = FAKE_LAYOUT.size;
const SHARDS = new Map([[0, new Uint8Array(2 * 200)]]);
const code = (wanted: string) => (error: unknown) => errorCodeOf(error) === wanted;

let dir = '';
let network: PublishedModel;
let manifest: VersionManifest;
const folders: string[] = [];
before(initCrypto);
after(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'alice-session-'));
  folders.push(dir);
  network = new PublishedModel(FAKE_LAYOUT, keyPairFromSecret('//Server'));
  manifest = await network.publish(Float32Array.from({ length: SIZE }, (_, i) => (i % 16) / 8));
});

interface SessionOptions extends FakeComputeOptions {
  readonly nowMs?: () => number;
  readonly stopRequested?: () => boolean;
  readonly source?: Partial<TrainerSource>;
  readonly openStates?: typeof fileStates;
}

/** A session on `dir`, opened and synced: made anew, it is what a restart finds. */
async function start(options: SessionOptions = {}): Promise<TrainingSession> {
  const session = await opened(options);
  await session.sync({ manifest: network.manifests.at(-1)!, fromSnapshot: false });
  return session;
}

async function opened(options: SessionOptions = {}): Promise<TrainingSession> {
  const session = new TrainingSession({
    source: {
      blob: (request) => network.blob(request),
      version: async (version) => network.manifests[version],
      onStep: () => {},
      ...options.source,
    },
    compute: fakeCompute(options),
    openStates: options.openStates ?? fileStates,
    nowMs: options.nowMs ?? (() => 0),
    stopRequested: options.stopRequested ?? (() => false),
  });
  await session.open(openRequest());
  return session;
}

const openRequest = () => ({
  dir,
  address: 'a2x',
  instance: 'one',
  threads: 1,
  networkId: NETWORK_ID,
  serverId: network.key.address,
  model: FAKE_MODEL,
});

function taskOf(n: number, settings: Partial<Task['settings']> = {}): Task {
  const bytes = (length: number, value: number) => toHex(new Uint8Array(length).fill(value));
  const { version, stateRoot } = network.manifests.at(-1)!;
  return {
    taskId: bytes(16, n),
    nonce: bytes(32, n),
    round: n,
    version,
    stateRoot,
    objective: 'lm',
    ranges: [
      { shard: 0, from: 10, count: 70 },
      { shard: 0, from: 79, count: 81 },
    ],
    seed: 'seed',
    settings: { ...FAKE_SETTINGS, ...settings },
    deadlineMs: 1e15,
    windowMs: 1e9,
  };
}

const decode = (bytes: Uint8Array) =>
  decodeAnySubmission(bytes, { layout: FAKE_LAYOUT, maxEntries: SIZE, maxInflatedBytes: 1e6 });

function dense(delta: SparseDelta): Float32Array {
  const { indices, values } = flattenDelta(delta, FAKE_LAYOUT);
  const vector = new Float32Array(SIZE);
  indices!.forEach((index, i) => {
    vector[index] = values[i]!;
  });
  return vector;
}

/** The residual as it stands in the file. */
async function savedResidual(): Promise<Float32Array> {
  const { state, found } = await TrainingState.open({
    states: fileStates(dir),
    name: 'training-a2x-one',
    layout: FAKE_LAYOUT,
    networkId: NETWORK_ID,
  });
  assert.equal(found, 'good');
  const format = { wire: 'binary_v2' } as const;
  return state.feedback({ density: 1, errorFeedbackDecay: 1, format }).residual.slice();
}
const statePath = (): string => join(dir, 'training-a2x-one.bin');

async function trainAndRead(session: TrainingSession, task: Task, windowMs = 1e9) {
  const trained = await session.train({ task, shards: SHARDS, windowMs });
  assert(trained.kind === 'work', JSON.stringify(trained));
  return { trained, ...(await decode(await session.submission(task.taskId))) };
}

describe('what a task gives', () => {
  it('claims exactly what was done, for exactly that task', async () => {
    const { trained, header } = await trainAndRead(await start(), taskOf(1));
    const { taskId, nonce, stateRoot, version } = taskOf(1);
    assert.deepEqual(
      { ...header, meanTrainingLossNats: 0 },
      {
        taskId,
        nonce,
        stateRoot,
        baseVersion: version,
        innerSteps: 6,
        tokens: 6 * 4 * 2,
        meanTrainingLossNats: 0,
      },
    );
    assert(Math.abs(header.meanTrainingLossNats - trained.lossNats) < 1e-6);
  });

  it('is a descent: adding it brings the weights nearer to the optimum', async () => {
    const { delta } = await trainAndRead(await start(), taskOf(1, { density: 1 }));
    const base = Float32Array.from({ length: SIZE }, (_, i) => (i % 16) / 8);
    const sent = dense(delta);
    const distance = (at: (i: number) => number) =>
      base.reduce((sum, _, i) => sum + (at(i) - Math.sin(i)) ** 2, 0);
    assert(distance((i) => base[i]! + sent[i]!) < distance((i) => base[i]!));
    assert(distance((i) => base[i]! - sent[i]!) > distance((i) => base[i]!));
  });

  it('sent and kept back add up to the delta (SPEC WIRE-1)', async () => {
    const whole = await trainAndRead(await start(), taskOf(1, { density: 1 }));
    await rm(dir, { recursive: true });
    const part = await trainAndRead(await start(), taskOf(1));
    const kept = await savedResidual();
    const expected = dense(whole.delta);
    const sent = dense(part.delta);
    assert.deepEqual(
      sent.map((value, i) => value + kept[i]!),
      expected,
    );
    assert.equal(sent.filter((value) => value !== 0).length, Math.ceil(0.25 * 400) + Math.ceil(0.25 * 7));
  });

  it('goes out in the format the task asks for, and keeps what that rounds away (SPEC WIRE-1, WIRE-2)', async () => {
    const whole = dense((await trainAndRead(await start(), taskOf(1, { density: 1 }))).delta);
    for (const valueBits of [2, 4, 8] as const) {
      await rm(dir, { recursive: true });
      const format = { wire: 'binary_v3', valueBits } as const;
      const session = await start();
      const part = await trainAndRead(session, taskOf(1, { format }));
      assert.deepEqual(part.format, format);
      const [sent, kept] = [dense(part.delta), await savedResidual()];
      const error = Math.max(...whole.map((value, i) => Math.abs(value - sent[i]! - kept[i]!)));
      assert(error < 1e-6, `${valueBits} bits: the sum is off by ${error}`);
      assert(sent.some((value, i) => value !== 0 && Math.abs(value - whole[i]!) > 1e-6));
      await session.settle({ taskId: taskOf(1).taskId, outcome: 'returned' });
      await session.close();
      const back = await savedResidual();
      assert(
        Math.max(...whole.map((value, i) => Math.abs(value - back[i]!))) < 1e-6,
        'a refusal gives it all back',
      );
    }
  });

  it('does fewer steps when the device is slow, and says so (SPEC TASK-2)', async () => {
    let now = 0;
    const session = await start({
      nowMs: () => now,
      onGradient: () => {
        now += 100;
        return undefined;
      },
    });
    const { trained, header } = await trainAndRead(session, taskOf(1), 350);
    assert.deepEqual([trained.steps, trained.tokens, header.innerSteps, header.tokens], [3, 3 * 8, 3, 3 * 8]);
    assert.deepEqual(
      await session.train({ task: taskOf(2), shards: SHARDS, windowMs: 0 }).then(codeOfNothing),
      'WINDOW_TOO_SHORT',
    );
  });

  it('computes in smaller micro-batches when memory is short, with the same result (SPEC TRAIN-5)', async () => {
    const whole = await trainAndRead(await start(), taskOf(1));
    await rm(dir, { recursive: true });
    const shapes: number[] = [];
    const session = await start({
      onGradient: ({ batch }) => {
        shapes.push(batch);
        if (batch > 1) throw new Error('std::bad_alloc');
        return undefined;
      },
    });
    const part = await trainAndRead(session, taskOf(1));
    assert.equal(part.trained.microBatch, 1);
    assert.deepEqual(shapes.slice(0, 3), [4, 2, 1]);
    assert.deepEqual(part.header.innerSteps, 6);
    const difference = dense(part.delta).map((value, i) => Math.abs(value - dense(whole.delta)[i]!));
    assert(Math.max(...difference) < 1e-6);
  });
});

const codeOfNothing = (trained: Trained): string => (trained.kind === 'nothing' ? trained.code : 'work');

describe('what must not leave', () => {
  it('NaN or infinite steps: nothing is sent, the file stays as it was', async () => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const session = await start({ onGradient: () => bad });
      assert.equal(
        codeOfNothing(await session.train({ task: taskOf(1), shards: SHARDS, windowMs: 1e9 })),
        'NOT_FINITE',
      );
      await assert.rejects(session.submission(taskOf(1).taskId), code('WORK_UNKNOWN'));
    }
    assert(!(await readdir(dir)).some((name) => name.startsWith('training-')));
  });

  it('a single bad step is left out and counted', async () => {
    let nth = 0;
    const session = await start({ onGradient: () => (++nth === 2 ? Number.NaN : undefined) });
    const { trained, header } = await trainAndRead(session, taskOf(1));
    assert.deepEqual([trained.steps, trained.skippedSteps, header.innerSteps], [5, 1, 5]);
  });

  it('half-done work of a miner that is being stopped', async () => {
    let steps = 0;
    const session = await start({ onGradient: () => void steps++, stopRequested: () => steps >= 2 });
    assert.equal(
      codeOfNothing(await session.train({ task: taskOf(1), shards: SHARDS, windowMs: 1e9 })),
      'STOPPED',
    );
    assert.equal(steps, 2);
  });

  it('a task whose tokens are not in its shard', async () => {
    const session = await start();
    await assert.rejects(
      session.train({
        task: { ...taskOf(1), ranges: [{ shard: 0, from: 100, count: 150 }] },
        shards: SHARDS,
        windowMs: 1e9,
      }),
      code('TASK_INVALID'),
    );
    await assert.rejects(
      session.train({
        task: { ...taskOf(1), ranges: [{ shard: 0, from: 10, count: 8 }] },
        shards: SHARDS,
        windowMs: 1e9,
      }),
      code('TASK_INVALID'),
    );
  });
});

describe('a full disk', () => {
  it('is said with its code, nothing is sent, and the work is saved once there is room', async () => {
    const whole = dense((await trainAndRead(await start(), taskOf(1, { density: 1 }))).delta);
    await rm(dir, { recursive: true });
    let isFull = false;
    const session = await opened({
      openStates: (folder) => {
        const states = fileStates(folder);
        const save: typeof states.save = async (name, content) => {
          if (isFull) throw Object.assign(new Error('write failed'), { code: 'ENOSPC' });
          return states.save(name, content);
        };
        return { ...states, save };
      },
    });
    await session.sync({ manifest: network.manifests.at(-1)!, fromSnapshot: false });
    isFull = true;
    await assert.rejects(trainAndRead(session, taskOf(1)), code('DISK_FULL'));
    await assert.rejects(session.submission(taskOf(1).taskId), code('WORK_UNKNOWN'));
    await assert.rejects(session.save(), code('DISK_FULL'));
    isFull = false;
    await session.save();
    assert.deepEqual(await savedResidual(), whole);
  });
});

describe('a restart', () => {
  it('finds unsent work and residual as they were when it was saved', async () => {
    const first = await start();
    await trainAndRead(first, taskOf(1));
    const bytes = await first.submission(taskOf(1).taskId);
    const second = await opened(); // the first was never closed: a crash
    assert.deepEqual(await second.open(openRequest()), {
      state: 'resumed',
      unsettled: [{ taskId: taskOf(1).taskId, round: 1, sizeBytes: bytes.length }],
    });
    assert.deepEqual(await second.submission(taskOf(1).taskId), bytes);
  });

  it('gives back what was refused, bit for bit', async () => {
    const whole = dense((await trainAndRead(await start(), taskOf(1, { density: 1 }))).delta);
    await rm(dir, { recursive: true });
    await trainAndRead(await start(), taskOf(1));
    const again = await opened();
    await again.settle({ taskId: taskOf(1).taskId, outcome: 'returned' });
    await again.settle({ taskId: taskOf(1).taskId, outcome: 'returned' }); // twice is once
    await again.close();
    assert.deepEqual(await savedResidual(), whole);
  });

  it('does not give back what was applied or lost', async () => {
    for (const outcome of ['applied', 'lost'] as const) {
      await rm(dir, { recursive: true, force: true });
      await trainAndRead(await start(), taskOf(1));
      const before = await savedResidual();
      const again = await opened();
      await again.settle({ taskId: taskOf(1).taskId, outcome });
      await again.close();
      assert.deepEqual(await savedResidual(), before);
      assert.deepEqual((await (await opened()).open(openRequest())).unsettled, []);
    }
  });

  it('changes nothing about the work that follows: optimiser and residual go on', async () => {
    const straight = await start();
    await trainAndRead(straight, taskOf(1));
    await straight.settle({ taskId: taskOf(1).taskId, outcome: 'applied' });
    const expected = await trainAndRead(straight, taskOf(2));
    await rm(dir, { recursive: true });
    await trainAndRead(await start(), taskOf(1));
    const second = await start();
    await second.settle({ taskId: taskOf(1).taskId, outcome: 'applied' });
    assert.deepEqual(await trainAndRead(second, taskOf(2)), expected);
  });

  it('with a damaged file starts empty and keeps the file aside', async () => {
    await trainAndRead(await start(), taskOf(1));
    const bytes = await readFile(statePath());
    bytes[bytes.length >> 1]! ^= 1;
    await writeFile(statePath(), bytes);
    const session = await opened();
    assert.deepEqual(await session.open(openRequest()), { state: 'damaged', unsettled: [] });
    assert((await readdir(dir)).includes('training-a2x-one.bin.damaged'));
  });

  it('of another network ignores the file', async () => {
    await trainAndRead(await start(), taskOf(1));
    const session = await opened();
    const answer = await session.open({ ...openRequest(), networkId: `0x${'b'.repeat(64)}` });
    assert.deepEqual(answer, { state: 'damaged', unsettled: [] });
  });
});

describe('the copy of the model', () => {
  it('comes by snapshot first, then by deltas, and from disk after a restart', async () => {
    const session = await opened();
    assert.equal((await session.sync({ manifest, fromSnapshot: false })).how, 'snapshot');
    const next = await network.publish(
      Float32Array.from({ length: SIZE }, (_, i) => (i % 16) / 8 + (i === 5 ? 1 : 0)),
    );
    network.fetched.length = 0;
    assert.deepEqual(await session.sync({ manifest: next, fromSnapshot: false }), {
      version: 1,
      stateRoot: next.stateRoot,
      how: 'deltas',
      bytes: next.setDelta!.sizeBytes,
    });
    assert.deepEqual(network.fetched, [next.setDelta!.hash]);
    await session.close();
    assert.equal((await (await opened()).sync({ manifest: next, fromSnapshot: false })).how, 'none');
  });

  it('both ways lead to the same training, bit for bit', async () => {
    const session = await start();
    await network.publish(Float32Array.from({ length: SIZE }, (_, i) => Math.cos(i) / 3));
    await session.sync({ manifest: network.manifests[1]!, fromSnapshot: false });
    const byDelta = await trainAndRead(session, taskOf(1));
    await rm(dir, { recursive: true });
    assert.deepEqual(await trainAndRead(await start(), taskOf(1)), byDelta);
  });

  it('is refused when someone else signed it, or one field was changed after signing', async () => {
    const session = await opened();
    const foreign = new PublishedModel(FAKE_LAYOUT, keyPairFromSecret('//Mallory'));
    const forged = [
      await foreign.publish(new Float32Array(SIZE)),
      { ...manifest, version: 7 },
      { ...manifest, stateRoot: `0x${'0'.repeat(64)}` },
      { ...manifest, signature: `0x${'0'.repeat(128)}` },
    ];
    for (const bad of forged)
      await assert.rejects(
        session.sync({ manifest: bad, fromSnapshot: false }),
        code('VERSION_SIGNATURE_INVALID'),
      );
    assert.deepEqual(network.fetched, [], 'nothing is downloaded for a forged manifest');
  });

  it('is refused when the bytes are not those of the state root', async () => {
    const wrong = new PublishedModel(FAKE_LAYOUT, network.key);
    const other = await wrong.publish(new Float32Array(SIZE).fill(0.5));
    const session = await opened({ source: { blob: (request) => wrong.blob(request) } });
    const mixed = { ...manifest, snapshot: other.snapshot }; // the snapshot is not signed, the root is
    await assert.rejects(
      session.sync({ manifest: mixed, fromSnapshot: false }),
      code('REPLICA_ROOT_MISMATCH'),
    );
    await assert.rejects(
      session.train({ task: taskOf(1), shards: SHARDS, windowMs: 1e9 }),
      code('SYNC_FIRST'),
    );
  });

  it('of another version than the task is never trained on', async () => {
    const session = await start();
    await network.publish(new Float32Array(SIZE));
    await assert.rejects(
      session.train({ task: taskOf(1), shards: SHARDS, windowMs: 1e9 }),
      code('SYNC_FIRST'),
    );
  });

  it('a download that fails leaves the copy as it was', async () => {
    let fail = false;
    const source = {
      blob: (request: { hash: string }) => {
        if (fail) throw new CodedError({ code: 'DOWNLOAD_CORRUPT' }, 'x');
        return network.blob(request);
      },
    };
    const session = await start({ source });
    const expected = taskOf(1);
    await network.publish(new Float32Array(SIZE).fill(1));
    fail = true;
    await assert.rejects(
      session.sync({ manifest: network.manifests[1]!, fromSnapshot: false }),
      code('DOWNLOAD_CORRUPT'),
    );
    assert.equal((await session.train({ task: expected, shards: SHARDS, windowMs: 1e9 })).kind, 'work');
  });
});
