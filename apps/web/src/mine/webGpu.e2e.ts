/** @file The same task on Node and on WebGPU in a real Chromium, drawn in software: slow, but the same arithmetic. */
import { after, before, describe, it } from 'node:test';
import type { Browser } from 'playwright-core';
import { SKIP_BROWSER, startBrowser } from '../testing/browser.js';
import { SameTask } from '../testing/SameTask.js';

let task: SameTask | undefined;
let browser: Browser | undefined;

describe('training on WebGPU', { skip: SKIP_BROWSER }, () => {
  before(async () => {
    task = await SameTask.start();
    browser = await startBrowser(['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader']);
  });
  after(async () => {
    await browser?.close();
    task?.close();
  });

  it('sends what Node sends', async () => {
    await task!.compareWith(browser!, { device: 'webgpu', threads: 1 });
  });
});
