/** @file Sessions that keep values: what stays goes from one to the next unread, and only what crosses is counted. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as ops from '../graph/operations.js';
import { nodePlatform, nodePlatformOn } from './nodePlatform.js';
import { openDeviceSession, type Traffic } from './openDeviceSession.js';
import { tensorOf } from './tensorData.js';

const shape = [2, 2];
const x = tensorOf(Float32Array.of(1, 2, 3, 4), shape);

test('a kept value feeds the next session; bytes are those of arrays that are fed or read', async () => {
  const traffic: Traffic = { toDevice: 0, fromDevice: 0 };
  const options = { threads: 1, platform: nodePlatform, traffic };
  const a = ops.input('a', shape);
  const first = await openDeviceSession(
    { twice: ops.add(a, a), total: ops.reduceSum(a, [0, 1]) },
    { ...options, keep: ['twice'] },
  );
  const second = await openDeviceSession({ four: ops.add(a, a) }, { ...options, keep: [] });
  const { kept, read } = await first.run({ a: x });
  assert.deepEqual(Object.keys(read), ['total']);
  assert.equal(read['total']!.data[0], 10);
  assert.deepEqual([kept['twice']!.shape, kept['twice']!.dtype], [shape, 'float32']);
  assert.deepEqual(traffic, { toDevice: 16, fromDevice: 4 });
  const { read: last } = await second.run({ a: kept['twice']! });
  assert.deepEqual([...last['four']!.data], [4, 8, 12, 16]);
  assert.deepEqual(traffic, { toDevice: 16, fromDevice: 20 });
  kept['twice']!.release();
  await first.release();
  await second.release();
});

test('a kept value of another shape, an output that is not there and a released session are refused', async () => {
  const options = { threads: 1, platform: nodePlatform };
  const a = ops.input('a', shape);
  const outputs = { flat: ops.reshape(a, [4]) };
  await assert.rejects(openDeviceSession(outputs, { ...options, keep: ['wide'] }), {
    info: { code: 'OUTPUT_UNKNOWN', name: 'wide' },
  });
  const session = await openDeviceSession(outputs, { ...options, keep: ['flat'] });
  const { kept } = await session.run({ a: x });
  await assert.rejects(session.run({ a: kept['flat']! }), {
    info: { code: 'FEED_SHAPE', name: 'a', want: shape, got: [4] },
  });
  await session.release();
  await assert.rejects(session.run({ a: x }), { info: { code: 'SESSION_RELEASED' } });
});

test('devices whose runtime hands every output back keep nothing; the processor has no memory of its own', () => {
  assert.deepEqual(
    (['cpu', 'webgpu', 'cuda', 'dml', 'coreml'] as const).map((device) => {
      const { openKeeping, hasOwnMemory = false } = nodePlatformOn(device);
      return [device, openKeeping !== undefined, hasOwnMemory];
    }),
    [
      ['cpu', true, false],
      ['webgpu', true, true],
      ['cuda', false, false],
      ['dml', false, false],
      ['coreml', false, false],
    ],
  );
});
