/** @file The processor computes in a thread, other devices in a process; a device that dies is replaced and told of. */
import assert from 'node:assert/strict';
import { constants, getPriority } from 'node:os';
import { type TestContext, test } from 'node:test';
import { ComputeProgram } from './ComputeProgram.js';
import type { DeviceName } from './device.js';
import type { Echo } from './testing/echoProgram.js';

function echo(t: TestContext, device: DeviceName) {
  const lost: string[] = [];
  const program = new ComputeProgram<Echo, string>({
    ...{ program: new URL('./testing/echoProgram.js', import.meta.url), name: 'echo', device },
    settingsOn: (used) => `for ${used}`,
    handlers: { twice: (value: number) => 2 * value },
    onDeviceLost: (name, reason) => lost.push(`${name}: ${reason}`),
  });
  const end = () => program.end(async () => undefined);
  t.after(end);
  return { program, lost, end };
}

for (const device of ['cpu', 'cuda'] as const)
  test(`${device}: calls cross both ways with maps and arrays, in ${device === 'cpu' ? 'this' : 'another'} process`, async (t) => {
    const { program, lost, end } = echo(t, device);
    const { pid, ...about } = await program.calls.call('about', undefined);
    assert.deepEqual(about, { device, settings: `for ${device}` });
    assert.equal(pid === process.pid, device === 'cpu');
    const numbers = new Map([
      ['a', Float32Array.of(1, 2)],
      ['b', Float32Array.of(0, 1, 0.5, 9).subarray(1, 3)],
    ]);
    assert.deepEqual(await program.calls.call('twiceSum', numbers), Float32Array.of(9));
    await end();
    await end();
    assert.deepEqual([program.runningCalls, lost], [undefined, []]);
  });

for (const device of ['cpu', 'cuda'] as const)
  test(`${device}: it computes behind whatever else is to do, and alone`, async (t) => {
    const before = getPriority();
    const { program } = echo(t, device);
    const priority = await program.calls.call('priority', undefined);
    assert.equal(getPriority(), before, 'whoever started it stays where they were');
    if (device === 'cpu' && process.platform !== 'linux') assert.equal(priority, before);
    else assert.ok(priority >= constants.priority.PRIORITY_BELOW_NORMAL, `${priority}`);
  });

test('a device whose process dies is told of once, and the processor takes over', async (t) => {
  const { program, lost, end } = echo(t, 'webgpu');
  const { pid } = await program.calls.call('about', undefined);
  const open = program.calls.call('kill', 'SIGSEGV');
  await assert.rejects(open, { info: { code: 'THREAD_ENDED', reason: 'SIGSEGV' } });
  assert.deepEqual(lost, ['webgpu: SIGSEGV']);
  const about = await program.calls.call('about', undefined);
  assert.deepEqual(about, { device: 'cpu', settings: 'for cpu', pid: process.pid });
  assert.notEqual(pid, process.pid);
  await end();
  assert.equal(lost.length, 1);
});

test('a process outlives the signals of its terminal', async (t) => {
  const { program, lost, end } = echo(t, 'cuda');
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    assert.equal(await program.calls.call('kill', signal), true);
  assert.equal((await program.calls.call('about', undefined)).device, 'cuda');
  await end();
  assert.deepEqual(lost, []);
});
