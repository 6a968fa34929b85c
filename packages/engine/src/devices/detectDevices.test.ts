/** @file Devices that work, lie, crash or hang are told apart, and the choice among them is the fastest that works. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { chooseDevice, detectDevices, fastest } from './detectDevices.js';
import type { DeviceReport } from './device.js';
import { parseNvidiaCards } from './deviceMemory.js';

const folder = mkdtempSync(join(tmpdir(), 'alice-devices-'));
after(() => rmSync(folder, { recursive: true, force: true }));

function program(text: string): string {
  const path = join(folder, `${Math.random()}.mjs`);
  writeFileSync(path, text);
  return path;
}

test('the processor computes correctly, is named, and has memory and a rate', async () => {
  const [cpu] = await detectDevices({ devices: ['cpu'], threads: 1 });
  assert.deepEqual([cpu!.state, cpu!.reason], ['ready', '']);
  assert.ok(cpu!.name.length > 0 && cpu!.gflops! > 0);
  assert.ok(cpu!.memoryBytes! >= cpu!.freeMemoryBytes! && cpu!.freeMemoryBytes! > 0);
});

test('a driver that crashes, hangs, stammers or computes wrongly is broken, with the reason', async () => {
  const stateOf = async (text: string, timeoutMs = 60_000): Promise<readonly string[]> => {
    const [report] = await detectDevices({ devices: ['cpu'], program: program(text), timeoutMs });
    return [report!.state, report!.reason];
  };
  assert.deepEqual(await stateOf('process.kill(process.pid, "SIGSEGV"); setInterval(() => {}, 1000);'), [
    ...['broken', 'its driver crashed (SIGSEGV)'],
  ]);
  assert.deepEqual(await stateOf('for (;;);', 500), ['broken', 'it did not answer within 0.5 s']);
  assert.deepEqual(await stateOf('console.log("{half")'), ['broken', 'its test ended without an answer']);
  assert.deepEqual(
    await stateOf('console.log(JSON.stringify({ state: "absent", reason: "no card\\nmore" }))'),
    [...['absent', 'no card']],
  );
});

test('a device asked for and not to be had is refused with what to do', async () => {
  const absent = program('console.log(JSON.stringify({ state: "absent", reason: "no adapter" }))');
  await assert.rejects(chooseDevice('webgpu', { program: absent }), (error: Error & { info: unknown }) => {
    assert.deepEqual(error.info, { code: 'DEVICE_UNAVAILABLE', device: 'webgpu' });
    assert.match(error.message, /no adapter.*driver.*--device auto/);
    return true;
  });
});

test('auto takes the fastest device that is ready, however fast a broken one claims to be', () => {
  const report = (
    device: DeviceReport['device'],
    state: DeviceReport['state'],
    gflops: number,
  ): DeviceReport => ({
    ...{ device, state, gflops, name: '', reason: 'x', remedy: '' },
  });
  const reports = [report('cuda', 'broken', 1e6), report('webgpu', 'ready', 3), report('cpu', 'ready', 90)];
  assert.equal(fastest(reports).device, 'cpu');
  assert.equal(fastest([...reports, report('dml', 'ready', 400)]).device, 'dml');
  assert.throws(() => fastest(reports.slice(0, 1)), { code: 'DEVICE_UNAVAILABLE' });
});

test('what nvidia-smi prints', () => {
  assert.deepEqual(parseNvidiaCards('NVIDIA H200, 143771, 143100\nOld, [N/A], 1\n\nnonsense\n'), [
    { name: 'NVIDIA H200', memoryBytes: 143771 * 2 ** 20, freeMemoryBytes: 143100 * 2 ** 20 },
    { name: 'Old', freeMemoryBytes: 2 ** 20 },
  ]);
});
