/**
 * @file A stranger opens the page of a running network and mines with one click: the update is accepted, the payout
 * arrives at its key, pausing and leaving the view do what they say, a new visit goes on, and a server that is gone is
 * said to be gone. In a real Chromium, against `alice up`.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { NetworkStatus } from '@alice/protocol';
import type { Browser, Page } from 'playwright-core';
import { openTab, SKIP_BROWSER, startBrowser } from '../testing/browser.js';
import { type LocalNetwork, localNetwork } from '../testing/localNetwork.js';

const dir = mkdtempSync(join(tmpdir(), 'alice-mine-'));
const LONG = { timeout: 240_000 };
let network: LocalNetwork;
let browser: Browser;
let page: Page;
let problems: string[];
let address = '';
const asked: string[] = [];

describe('mining in the page', { skip: SKIP_BROWSER }, () => {
  before(async () => {
    network = await localNetwork(join(dir, 'net'), '--miners', '1', '--epoch-seconds', '20');
    browser = await startBrowser();
    ({ page, problems } = await openTab(await browser.newContext(), new URL(network.url).host));
    page.on('request', (request) => void asked.push(new URL(request.url()).pathname));
  });
  after(async () => {
    await browser?.close();
    await network?.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  it('fetches nothing heavy before it is asked to', async () => {
    await page.goto(`${network.url}#/mine`);
    await page.getByText('not mining').waitFor();
    assert.equal(await page.evaluate(() => window.crossOriginIsolated), true, 'threads may share memory');
    assert.deepEqual(
      asked.filter((path) => /ort|worker/.test(path)),
      [],
    );
  });

  it('registers with a key of its own, and its update is accepted', async () => {
    await page.getByRole('button', { name: 'Start mining' }).click();
    await page.getByText(/registered as a2\w+/).waitFor(LONG);
    address = (await page.locator('#mining-address').textContent()) ?? '';
    await page
      .getByText(/accepted: it lowers the loss by/)
      .first()
      .waitFor(LONG);
    assert.equal(
      await tile('Accepted').locator('.note').textContent(),
      '0 refused, of all this key has sent',
    );
    assert.ok(asked.some((path) => path.endsWith('.wasm')));
  });

  it('is paid by the chain when the epoch settles', async () => {
    await page.waitForFunction(
      () => document.querySelector('.tile[title$="planck)"] .note.good') !== null,
      undefined,
      LONG,
    );
    const title = (await tile('Earned, ALICE').getAttribute('title')) ?? '';
    const paid = BigInt(/\((\d+) planck\)/.exec(title)?.[1] ?? 0);
    assert.ok(paid > 0n, title);
    const payouts = await payoutsTo(address);
    assert.ok(payouts.some((p) => BigInt(p.amountPlanck) > 0n && p.role.toLowerCase() === 'training'));
  });

  it('stands still while it is paused, goes on while other pages are looked at, and stops', async () => {
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByText('paused, because you asked for it').waitFor();
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.getByText(/^mining: /).waitFor();
    await page.getByRole('link', { name: 'Mine, running' }).waitFor();
    await page.getByRole('link', { name: 'Miners', exact: true }).click();
    await page
      .getByRole('cell', { name: address.slice(0, 6) })
      .first()
      .waitFor(LONG);
    await page.getByRole('link', { name: 'Mine, running' }).click();
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByText('not mining').waitFor(LONG);
  });

  it('goes on in the next visit with the same key and what it had kept', async () => {
    await page.reload();
    await page.getByRole('button', { name: 'Start mining' }).click();
    await page.getByText('goes on with what this browser has kept').waitFor(LONG);
    assert.equal(await page.locator('#mining-address').textContent(), address);
  });

  it('is refused to a second tab while the first one mines', async () => {
    const second = await openTab(page.context(), new URL(network.url).host);
    await second.page.goto(`${network.url}#/mine`);
    await second.page.getByRole('button', { name: 'Start mining' }).click();
    await second.page
      .getByText(/another tab of this browser is mining/)
      .first()
      .waitFor(LONG);
    await second.page.getByText('not mining').waitFor();
    await second.page.close();
  });

  it('keeps the mining key as a wallet that the password opens', async () => {
    await page.getByText('Keep it safe, or use it as a wallet').click();
    await page.getByRole('button', { name: 'Show the recovery phrase' }).click();
    await page.locator('.phrase li').nth(11).waitFor();
    await page.getByRole('button', { name: 'Hide it' }).click();
    await page.getByLabel('Choose a password for the wallet').fill('correct horse battery');
    await page.getByRole('button', { name: 'Keep as a wallet' }).click();
    await page.waitForURL(`**/#/wallet/${address}`);
    await page
      .getByText(/\d ALICE \(\d+ planck\)/)
      .first()
      .waitFor(LONG);
  });

  it('says that server and chain are gone, keeps trying, and goes on when they are back', async () => {
    await page.getByRole('link', { name: /^Mine, / }).click();
    await network.stop();
    await page.getByText(/^waiting: .*cannot be reached/).waitFor(LONG);
    await page.getByText(/^trying again in \d+ s/).waitFor(LONG);
    await page.getByText(/no chain node answers at/).waitFor(LONG);
    network = await localNetwork(join(dir, 'net'), '--miners', '1', '--port', new URL(network.url).port);
    await page.getByText(/^mining: /).waitFor(LONG);
    assert.deepEqual(problems, []);
  });

  it('fits a phone, and every field has a name', async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    const { wide, headings, unlabelled } = await page.evaluate(() => ({
      wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
      headings: document.querySelectorAll('main h1').length,
      unlabelled: [...document.querySelectorAll('main input, main select')].filter(
        (field) => (field as HTMLInputElement).labels?.length === 0,
      ).length,
    }));
    assert.deepEqual({ wide, headings, unlabelled }, { wide: 0, headings: 1, unlabelled: 0 });
  });
});

/** The server learns of a settled epoch a moment after the chain. */
async function payoutsTo(address: string): Promise<NetworkStatus['epochs'][number]['payouts']> {
  for (;;) {
    const status = (await (await fetch(`${network.url}v1/status`)).json()) as NetworkStatus;
    const payouts = status.epochs.flatMap((epoch) => epoch.payouts.filter((p) => p.address === address));
    if (payouts.length > 0) return payouts;
    await page.waitForTimeout(250);
  }
}

const tile = (name: string) =>
  page.locator('.tile').filter({ has: page.locator('.name', { hasText: new RegExp(`^${name}$`) }) });
