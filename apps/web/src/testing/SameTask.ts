/**
 * @file One task for two miners: a program on Node, and the mining worker of the built page in a real Chromium. Compares
 * what the two send. For tests only.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runMiner } from '@alice/miner';
import type { WebDevice } from '@alice/miner/browser';
import { TaskServer } from '@alice/miner/testing';
import {
  decodeSubmission,
  initCrypto,
  keyPairFromSecret,
  type ModelMessage,
  type SparseDelta,
  silentLogger,
  type TaskSettings,
  type TensorLayout,
} from '@alice/protocol';
import type { Browser, Page } from 'playwright-core';
import type { MiningRequest } from '../mine/minerCalls.js';
import { openTab } from './browser.js';
import { sendPublicFile } from './publicFiles.js';

const model: ModelMessage = {
  name: 'test',
  layers: 2,
  width: 64,
  heads: 4,
  kvHeads: 2,
  ffn: 128,
  context: 32,
  vocab: 256,
  ropeTheta: 1e4,
  normEps: 1e-5,
};
const settings: TaskSettings = {
  optimizer: 'muon',
  innerSteps: 6,
  rowsPerStep: 4,
  sequenceLength: 32,
  learningRates: Array(6).fill(0.01),
  weightDecay: 0.01,
  gradientClip: 1,
  density: 1,
  errorFeedbackDecay: 0.95,
};

/** Every element is sent; what differs is arithmetic alone. In units of the update's root mean square. */
const LARGEST_DIFFERENCE = 1e-3;

export class SameTask {
  readonly #server: TaskServer;
  readonly #fromNode: Uint8Array;

  /** Lets the program on Node do the task. */
  static async start(): Promise<SameTask> {
    await initCrypto();
    const server = await TaskServer.start({ model, settings, otherwise: sendPublicFile });
    const dir = mkdtempSync(join(tmpdir(), 'alice-same-task-'));
    const key = keyPairFromSecret('//Node');
    const options = { serverUrl: server.url, key, instance: 'node', threads: 1, dir, maxTasks: 1 };
    const { signal } = new AbortController();
    await runMiner(options, { log: silentLogger, signal, onEvent: () => undefined });
    rmSync(dir, { recursive: true, force: true });
    return new SameTask(server, await server.submissionOf('node'));
  }

  private constructor(server: TaskServer, fromNode: Uint8Array) {
    this.#server = server;
    this.#fromNode = fromNode;
  }

  /** Lets a fresh browser profile do the task; fails unless it sends what Node sent. */
  async compareWith(
    browser: Browser,
    { device, threads }: { device: WebDevice; threads: number },
  ): Promise<void> {
    const { url, layout } = this.#server;
    const { page, problems } = await openTab(await browser.newContext(), new URL(url).host);
    await page.goto(url);
    assert.equal(await page.evaluate(() => window.crossOriginIsolated), true);
    const deviceName = `${device}-${threads}`;
    const failure = mineInWorker(page, { serverUrl: url, device, threads, deviceName, memoryBytes: 0 });
    const bytes = await Promise.race([this.#server.submissionOf(deviceName), failure]);
    await assertSame(layout, bytes, this.#fromNode);
    assert.deepEqual(problems, []);
    failure.catch(() => undefined); // the worker ends with its page
    await page.context().close();
  }

  close(): void {
    this.#server.close();
  }
}

/** Speaks to the built worker as the page does. Never resolves; rejects when the worker gives up. */
async function mineInWorker(page: Page, request: MiningRequest): Promise<never> {
  const failure = await page.evaluate(
    (argument) =>
      new Promise<string>((resolve) => {
        const worker = new Worker('mine-worker.js', { type: 'module' });
        worker.onerror = (event) => resolve(`the worker could not start: ${event.message}`);
        worker.onmessage = ({ data }) => {
          if (data.kind === 'failure') resolve(data.message);
          if (data.kind === 'call' && data.argument?.type === 'dropped') resolve(data.argument.reason);
        };
        worker.postMessage({ kind: 'call', id: 1, name: 'mine', argument });
      }),
    request,
  );
  throw new Error(failure);
}

async function assertSame(layout: TensorLayout, actual: Uint8Array, expected: Uint8Array): Promise<void> {
  const limits = { layout, maxEntries: layout.size, maxInflatedBytes: 1e8 };
  const [one, other] = await Promise.all([actual, expected].map((bytes) => decodeSubmission(bytes, limits)));
  const { meanTrainingLossNats: lossOne, ...restOne } = one!.header;
  const { meanTrainingLossNats: lossOther, ...restOther } = other!.header;
  assert.deepEqual(restOne, restOther, 'the same task, steps and tokens');
  assert.ok(Math.abs(lossOne - lossOther) < 1e-5, `mean losses ${lossOne} and ${lossOther}`);
  const [a, b] = [dense(layout, one!.delta), dense(layout, other!.delta)];
  const size = Math.sqrt(b.reduce((sum, value) => sum + value * value, 0) / b.length);
  const largest = a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);
  assert.ok(size > 1e-4, `the task changed the weights by ${size}`);
  assert.ok(largest < LARGEST_DIFFERENCE * size, `they differ by up to ${largest} in values of size ${size}`);
}

function dense(layout: TensorLayout, delta: SparseDelta): Float32Array {
  const vector = new Float32Array(layout.size);
  for (const { tensor, indices, values } of delta.tensors) {
    const { offset } = layout.tensors[tensor]!;
    indices.forEach((index, i) => {
      vector[offset + index] = values[i]!;
    });
  }
  return vector;
}
