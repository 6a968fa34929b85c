/**
 * @file The same task given to a miner on Node and to the mining worker in a real Chromium: both must send the same
 * update to the tolerance of single precision, with one thread and with several. WebGPU: see webGpu.e2e.ts.
 */
import { after, before, describe, it } from 'node:test';
import type { Browser } from 'playwright-core';
import { SKIP_BROWSER, startBrowser } from '../testing/browser.js';
import { SameTask } from '../testing/SameTask.js';

let task: SameTask | undefined;
let browser: Browser | undefined;

describe('training in a browser', { skip: SKIP_BROWSER, timeout: 280_000 }, () => {
  before(async () => {
    task = await SameTask.start();
    browser = await startBrowser();
  });
  after(async () => {
    await browser?.close();
    task?.close();
  });

  it('sends from WebAssembly on one thread what Node sends', async () => {
    await task!.compareWith(browser!, { device: 'wasm', threads: 1 });
  });
  it('sends from WebAssembly on two threads what Node sends', async () => {
    await task!.compareWith(browser!, { device: 'wasm', threads: 2 });
  });
});
