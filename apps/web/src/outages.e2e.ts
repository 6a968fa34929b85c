/**
 * @file Every page while the chain, and then the server, is gone under it: it says so, keeps the last figures it had, and
 * goes on by itself. All pages are open at once, each in a window of its own, in a real Chromium.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { openTab, SKIP_BROWSER, startBrowser } from './testing/browser.js';
import { type AppPage, everyPage, openPage } from './testing/everyPage.js';
import { type ExampleNetwork, exampleNetwork } from './testing/exampleNetwork.js';

const LONG = { timeout: 120_000 };
const dir = mkdtempSync(join(tmpdir(), 'alice-outages-'));
let network: ExampleNetwork;
let browser: Browser;
const tabs: { readonly appPage: AppPage; readonly page: Page }[] = [];
const problems: string[] = [];

describe('pages during an outage', { skip: SKIP_BROWSER }, () => {
  before(async () => {
    network = await exampleNetwork(dir);
    await network.settleEpoch(3);
    browser = await startBrowser();
    for (const appPage of everyPage(network.address)) tabs.push({ appPage, page: await tab(appPage) });
  });
  after(async () => {
    await browser?.close();
    await network?.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  it('the chain goes: every page says so and keeps its figures; it comes back: they go on', async () => {
    await network.node.stop();
    await inEveryTab(async (page) => {
      await connection(page, /the chain does not answer/).waitFor(LONG);
      const notice = page.locator('main .notice').filter({ hasText: /chain node/ });
      if (await notice.count()) await page.getByText('no chain node answers at').waitFor(LONG);
    });
    await network.node.start();
    await inEveryTab(async (page) => {
      await connection(page, /^live$/).waitFor(LONG);
      await page.waitForFunction(
        () => !document.querySelector('main')!.textContent!.includes('no chain node'),
        undefined,
        LONG,
      );
    });
  });

  it('the server goes: every page says so and keeps its figures; it comes back: they go on', async () => {
    await network.server.stop();
    await inEveryTab((page) => connection(page, /the parameter server does not answer/).waitFor(LONG));
    await network.server.start();
    await inEveryTab((page) => connection(page, /^live$/).waitFor(LONG));
  });

  it('a page opened while the server is gone comes by itself when it is back', async () => {
    const page = await tab(everyPage(network.address)[0]!);
    await network.server.stop();
    for (const { route } of everyPage(network.address)) {
      await page.evaluate((hash) => {
        window.location.hash = hash;
      }, `#/${route}`);
      await page.locator('main h1').waitFor();
    }
    await page.evaluate(() => {
      window.location.hash = '#/explorer';
    });
    await page.getByText('This page could not be loaded').waitFor();
    await network.server.start();
    await page.getByRole('heading', { name: 'Block explorer' }).waitFor(LONG);
    await page.getByText('Timestamp.set').or(page.locator('td.number a').first()).first().waitFor(LONG);
  });

  it('broke nothing', () => {
    assert.deepEqual(problems, []);
  });
});

async function tab(appPage: AppPage): Promise<Page> {
  const context = await browser.newContext(); // tabs of one would share six connections to the server
  const { page } = await openTab(context, new URL(network.server.url).host);
  await page.addInitScript(
    (wallets) => localStorage.setItem('alice.wallets', wallets),
    network.storedWallets,
  );
  page.setDefaultTimeout(LONG.timeout);
  page.on('pageerror', (error) => problems.push(`#/${appPage.route}: ${error.message}`));
  await openPage(page, network.server.url, appPage);
  return page;
}

/** Afterwards the figures must still be there. */
async function inEveryTab(check: (page: Page) => Promise<void>): Promise<void> {
  for (const { appPage, page } of tabs) {
    try {
      await check(page);
      await page.locator('main').getByText(appPage.figure).first().waitFor();
    } catch (error) {
      throw new Error(`#/${appPage.route}: ${(error as Error).message}`);
    }
  }
}

const connection = (page: Page, text: RegExp) => page.locator('#connection').filter({ hasText: text });
