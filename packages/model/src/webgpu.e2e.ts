/**
 * @file A step of training on WebGPU gives the processor's numbers. The driver is SwiftShader, which Chromium's package
 * brings; without it the test is left out with a message (ALICE_REQUIRE_BROWSER=1 makes that a failure).
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { modelLayout } from './modelLayout.js';
import { type DeviceStep, smallModel } from './testing/deviceStep.js';

const PROGRAM = fileURLToPath(new URL('./testing/deviceStep.js', import.meta.url));
/** FP32 sums in another order; relative to the largest gradient of the same tensor. */
const GRADIENT_RTOL = 1e-5;
const LOSS_ATOL = 1e-5;
const FOLDERS = ['/usr/lib/chromium', '/usr/lib/chromium-browser', '/opt/google/chrome'];
const driver = FOLDERS.find((folder) => existsSync(`${folder}/vk_swiftshader_icd.json`));
const skip =
  driver === undefined && process.env['ALICE_REQUIRE_BROWSER'] !== '1'
    ? 'no SwiftShader: install Chromium to run this test'
    : false;

async function stepOn(device: string): Promise<DeviceStep> {
  const env = {
    ...process.env,
    LD_LIBRARY_PATH: [driver, process.env['LD_LIBRARY_PATH']].filter(Boolean).join(':'),
    VK_ICD_FILENAMES: `${driver}/vk_swiftshader_icd.json`,
  };
  const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM, device], { env, maxBuffer: 1e8 });
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as DeviceStep;
}

const floats = (base64: string): Float32Array =>
  new Float32Array(Uint8Array.from(Buffer.from(base64, 'base64')).buffer);

test('loss and every gradient on WebGPU are those of the processor', { skip }, async () => {
  const [cpu, webgpu] = [await stepOn('cpu'), await stepOn('webgpu')];
  assert.ok(Math.abs(cpu.lossNats - webgpu.lossNats) < LOSS_ATOL, `${webgpu.lossNats}, not ${cpu.lossNats}`);
  for (const [row, loss] of cpu.rowLosses.entries())
    assert.ok(Math.abs(webgpu.rowLosses[row]! - loss) < LOSS_ATOL, `row ${row}: ${webgpu.rowLosses[row]}`);
  const [want, got] = [floats(cpu.gradient), floats(webgpu.gradient)];
  for (const { name, offset, size } of modelLayout(smallModel).tensors) {
    const own = want.subarray(offset, offset + size);
    const largest = own.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
    const worst = own.reduce((max, value, i) => Math.max(max, Math.abs(value - got[offset + i]!)), 0);
    assert.ok(largest > 1e-4, `${name}: its gradient is too small to compare`);
    assert.ok(worst <= GRADIENT_RTOL * largest, `${name}: off by ${worst}, largest ${largest}`);
  }
});
