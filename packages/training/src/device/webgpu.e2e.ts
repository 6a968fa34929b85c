/**
 * @file A task trained with everything resident on WebGPU gives the processor's numbers, every operation runs there, and a
 * step moves tokens and scalars alone. The driver is SwiftShader, which Chromium's package brings; without it the test
 * is left out with a message (ALICE_REQUIRE_BROWSER=1 makes that a failure).
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { DeviceTask } from './testing/deviceTask.js';

const PROGRAM = fileURLToPath(new URL('./testing/deviceTask.js', import.meta.url));
/** FP32 sums in another order, some updates one upon another. */
const RTOL = 5e-5;
/** Software draws every operation; sixteen steps are compared on the processor (deviceSteps.test.ts). */
const STEPS = 3;
const FOLDERS = ['/usr/lib/chromium', '/usr/lib/chromium-browser', '/opt/google/chrome'];
const driver = FOLDERS.find((folder) => existsSync(`${folder}/vk_swiftshader_icd.json`));
const skip =
  driver === undefined && process.env['ALICE_REQUIRE_BROWSER'] !== '1'
    ? 'no SwiftShader: install Chromium to run this test'
    : false;

test('training resident on WebGPU is training on the processor', { skip }, async () => {
  const traces = mkdtempSync(join(tmpdir(), 'alice-traces-'));
  try {
    const env = {
      ...process.env,
      LD_LIBRARY_PATH: [driver, process.env['LD_LIBRARY_PATH']].filter(Boolean).join(':'),
      VK_ICD_FILENAMES: `${driver}/vk_swiftshader_icd.json`,
    };
    const inputs = [PROGRAM, 'webgpu', String(STEPS), traces];
    const { stdout } = await promisify(execFile)(process.execPath, inputs, { env, maxBuffer: 1e7 });
    const tasks = JSON.parse(stdout.trim().split('\n').at(-1)!) as DeviceTask[];
    assert.deepEqual(
      tasks.map(({ objective, optimizer }) => `${objective} ${optimizer}`),
      ['lm muon', 'lm adafactor', 'lm adamw', 'lm sgd', 'sft adamw', 'dpo muon'],
    );
    for (const task of tasks) {
      const { objective, optimizer, deltaError, carriedError, lossError, normError } = task;
      const name = `${objective} ${optimizer}`;
      assert.ok(deltaError < RTOL && carriedError < RTOL, `${name}: ${deltaError}, ${carriedError}`);
      assert.ok(lossError < RTOL && normError < RTOL, `${name}: ${lossError}, ${normError}`);
      assert.deepEqual(task.stepBytes, task.expectedBytes, name);
    }
    assert.deepEqual(providersIn(traces), ['WebGpuExecutionProvider']);
  } finally {
    rmSync(traces, { recursive: true, force: true });
  }
});

/** Where ONNX Runtime's traces say operations ran. */
function providersIn(folder: string): string[] {
  const found = new Set<string>();
  for (const file of readdirSync(folder)) {
    const events = JSON.parse(readFileSync(join(folder, file), 'utf8')) as {
      name: string;
      args?: { provider?: string };
    }[];
    for (const { name, args } of events)
      if (name.endsWith('_kernel_time') && args?.provider) found.add(args.provider);
  }
  return [...found];
}
