/** @file Sessions: refusals with a name in them, buffers written in place, release. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as ops from '../graph/operations.js';
import { openSession, type Session } from './openSession.js';
import type { Platform } from './platform.js';
import { tensorOf } from './tensorData.js';

const open = (platform?: Platform): Promise<Session> => {
  const [x, ids] = [ops.input('x', [2, 2]), ops.input('ids', [3], 'int32')];
  return openSession(
    { picked: ops.gather(x, ids), twice: ops.add(x, x) },
    { threads: 1, ...(platform && { platform }) },
  );
};
const x = tensorOf(Float32Array.of(1, 2, 3, 4), [2, 2]);
const ids = tensorOf(Int32Array.of(1, 0, 1), [3]);

test('outputs come back with their shapes, floats and rows in place', async () => {
  const session = await open();
  const { picked, twice } = await session.run({ x, ids });
  assert.deepEqual([...picked!.data], [3, 4, 1, 2, 3, 4]);
  assert.deepEqual(picked!.shape, [3, 2]);
  assert.deepEqual([...twice!.data], [2, 4, 6, 8]);
  await session.release();
});

test('an offered buffer is written, and nothing beside it', async () => {
  const session = await open();
  const memory = new Float32Array(6).fill(-1);
  const buffer = tensorOf(memory.subarray(1, 5), [2, 2]);
  const { twice } = await session.run({ x, ids }, { twice: buffer });
  assert.equal(twice, buffer);
  assert.deepEqual([...memory], [-1, 2, 4, 6, 8, -1]);
  await session.release();
});

test('memory shared between threads can be fed and written', async () => {
  const session = await open();
  const shared = (values: number[]): Float32Array => {
    const view = new Float32Array(new SharedArrayBuffer(4 * values.length));
    view.set(values);
    return view;
  };
  const target = shared([0, 0, 0, 0]);
  await session.run({ x: tensorOf(shared([5, 6, 7, 8]), [2, 2]), ids }, { twice: tensorOf(target, [2, 2]) });
  assert.deepEqual([...target], [10, 12, 14, 16]);
  await session.release();
});

test('a session leaves the arithmetic of the thread alone: subnormal numbers survive it', async () => {
  const session = await open();
  await session.run({ x, ids });
  await session.release();
  const [tiny] = Float64Array.of(1e-310);
  assert.equal(tiny! * 2, 2e-310);
});

test('each wrong feed is refused by name before anything runs', async () => {
  const session = await open();
  const refused = (feeds: Parameters<Session['run']>[0], info: object, into = {}): Promise<void> =>
    assert.rejects(session.run(feeds, into), { info });
  await refused({ x }, { code: 'FEED_MISSING', name: 'ids', shape: [3] });
  await refused({ x, ids, z: x }, { code: 'FEED_UNKNOWN', name: 'z' });
  await refused(
    { x: tensorOf(Float32Array.of(1, 2), [2]), ids },
    { code: 'FEED_SHAPE', name: 'x', want: [2, 2], got: [2] },
  );
  await refused(
    { x: tensorOf(Float32Array.of(1), [2, 2]), ids },
    { code: 'FEED_SHAPE', name: 'x', want: [2, 2], got: [1] },
  );
  await refused({ x: ids, ids }, { code: 'FEED_DTYPE', name: 'x', want: 'float32', got: 'int32' });
  await refused({ x, ids }, { code: 'OUTPUT_UNKNOWN', name: 'z' }, { z: x });
  await refused({ x, ids }, { code: 'FEED_SHAPE', name: 'picked', want: [3, 2], got: [2, 2] }, { picked: x });
  await session.release();
});

test('what ONNX Runtime refuses is one coded error with its cause', async () => {
  const session = await open();
  const outside = tensorOf(Int32Array.of(0, 7, 0), [3]);
  await assert.rejects(session.run({ x, ids: outside }), (error: unknown) => {
    const { info, cause } = error as { info: object; cause: unknown };
    assert.deepEqual(info, { code: 'SESSION_FAILED', stage: 'run' });
    return cause instanceof Error;
  });
  await session.release();
});

test('a released session refuses to run and may be released again', async () => {
  const session = await open();
  await session.release();
  await session.release();
  await assert.rejects(session.run({ x, ids }), { info: { code: 'SESSION_RELEASED' } });
});

test('another platform gets the model and the feeds, and its answer is the answer', async () => {
  let modelBytes = 0;
  const session = await open({
    async open(model) {
      modelBytes = model.length;
      return { run: async (feeds) => ({ twice: feeds['x']! }), release: async () => undefined };
    },
  });
  assert.ok(modelBytes > 0);
  assert.equal((await session.run({ x, ids })).twice, x);
});
