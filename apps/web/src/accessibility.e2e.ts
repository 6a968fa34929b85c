/**
 * @file Every page as people with other eyes and hands meet it: axe-core's rules in light and dark, on a wide screen and
 * a phone; the keyboard alone; and how much script the first visit costs. In a real Chromium, with a real chain.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { checkAccessibility } from './testing/accessibility.js';
import { openTab, SKIP_BROWSER, startBrowser } from './testing/browser.js';
import { everyPage, openPage } from './testing/everyPage.js';
import { type ExampleNetwork, exampleNetwork } from './testing/exampleNetwork.js';
import { walkByKeyboard } from './testing/keyboard.js';

const FIRST_LOAD_LIMIT_BYTES = 300_000;
const LEAST_SCORE = 95;
const WIDE = { width: 1280, height: 900 };
const PHONE = { width: 390, height: 844 };
const LOOKS = (['light', 'dark'] as const).flatMap((colorScheme) =>
  [WIDE, PHONE].map((viewport) => ({ colorScheme, viewport })),
);

const dir = mkdtempSync(join(tmpdir(), 'alice-accessible-'));
let network: ExampleNetwork;
let browser: Browser;

describe('the app for everyone', { skip: SKIP_BROWSER }, () => {
  before(async () => {
    network = await exampleNetwork(dir);
    await network.settleEpoch(3);
    browser = await startBrowser();
  });
  after(async () => {
    await browser?.close();
    await network?.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  it('loads at most 300 KB of script before the miner is opened', async () => {
    const { context, page } = await visit(LOOKS[0]!);
    const sizes: Promise<number>[] = [];
    page.on('response', (response) => {
      if (response.request().resourceType() === 'script')
        sizes.push(response.body().then(({ length }) => length));
    });
    await openPage(page, network.server.url, everyPage(network.address)[0]!);
    await page.waitForLoadState('networkidle');
    const total = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
    assert.ok(total > 10_000 && total <= FIRST_LOAD_LIMIT_BYTES, `${total} bytes of script`);
    await context.close();
  });

  for (const look of LOOKS)
    it(`breaks no grave rule: ${look.colorScheme}, ${look.viewport.width} wide`, async () => {
      const { context, page } = await visit(look);
      const found: Record<string, { score: number; grave: readonly string[] }> = {};
      for (const appPage of everyPage(network.address)) {
        await openPage(page, network.server.url, appPage);
        const { score, grave } = await checkAccessibility(page);
        if (grave.length > 0 || score < LEAST_SCORE) found[appPage.route] = { score, grave };
      }
      assert.deepEqual(found, {});
      await context.close();
    });

  it('can be walked with the keyboard alone, from the skip link to the last control', async () => {
    const { context, page } = await visit(LOOKS[0]!);
    for (const appPage of everyPage(network.address)) {
      await openPage(page, network.server.url, appPage);
      assert.deepEqual(await walkByKeyboard(page), [], `#/${appPage.route}`);
    }
    await context.close();
  });
});

type Look = (typeof LOOKS)[number];

async function visit(look: Look): Promise<{ context: BrowserContext; page: Page }> {
  const context = await browser.newContext({ ...look, reducedMotion: 'reduce' });
  const { page } = await openTab(context, new URL(network.server.url).host);
  page.setDefaultTimeout(120_000);
  await page.addInitScript(
    (wallets) => localStorage.setItem('alice.wallets', wallets),
    network.storedWallets,
  );
  return { context, page };
}
