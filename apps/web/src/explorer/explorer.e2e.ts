/**
 * @file What the chain keeps about money, in the page: an epoch settled in pages is shown whole and adds up to the planck,
 * an account has its history and its payouts, and all of it still stands where the node keeps no explorer index. In a
 * real Chromium, on a real chain.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { openTab, SKIP_BROWSER, startBrowser } from '../testing/browser.js';
import { type ExampleNetwork, exampleNetwork } from '../testing/exampleNetwork.js';

const LONG_MS = 120_000;
/** One call holds a thousand entries; more make the report come in pages. */
const MANY = 1_150;

for (const { name, nodeFlags } of [
  { name: 'with an explorer index', nodeFlags: [] },
  { name: 'without one', nodeFlags: ['--explorer-blocks', '0'] },
])
  describe(`the chain in the page, ${name}`, { skip: SKIP_BROWSER }, () => {
    const dir = mkdtempSync(join(tmpdir(), 'alice-explorer-'));
    const hasIndex = nodeFlags.length === 0;
    let network: ExampleNetwork;
    let browser: Browser;
    let page: Page;
    let problems: string[];
    const open = async (route: string): Promise<void> => {
      await page.goto(`${network.server.url}#/${route}`);
      await page.locator('main h1').waitFor();
    };
    const table = (label: string) => page.locator(`table[aria-label="${label}"] tbody tr`);
    before(async () => {
      network = await exampleNetwork(dir, nodeFlags);
      await network.settleEpoch(3);
      if (hasIndex) await network.settleEpoch(MANY);
      browser = await startBrowser();
      ({ page, problems } = await openTab(await browser.newContext(), new URL(network.server.url).host));
      page.setDefaultTimeout(LONG_MS);
    });
    after(async () => {
      await browser?.close();
      await network?.stop();
      rmSync(dir, { recursive: true, force: true });
    });

    it('an epoch settled in pages is whole, and adds up to what was minted', {
      skip: !hasIndex,
    }, async () => {
      await open('epochs/1');
      await page.getByText('The payouts add up to exactly what was minted').waitFor();
      await page.getByText('1 to 100 of 1\u202f152').waitFor();
      assert.equal(await table('Payouts of epoch 1').count(), 100);
      const first = await table('Payouts of epoch 1').first().innerText();
      for (let turn = 0; turn < 11; turn++) await page.getByRole('button', { name: 'Next' }).click();
      await page.getByText('1\u202f101 to 1\u202f152 of 1\u202f152').waitFor();
      assert.equal(await table('Payouts of epoch 1').count(), 52);
      assert.notEqual(await table('Payouts of epoch 1').first().innerText(), first);
      assert.match(await table('Payouts of epoch 1').last().innerText(), /infrastructure/);
    });

    it('an account shows what it was paid, in pages or in one piece', async () => {
      await open(`explorer/account/${network.address}`);
      const epochs = hasIndex ? ['1', '0'] : ['0'];
      await table('Payouts by epoch')
        .nth(2 * epochs.length - 1)
        .waitFor();
      const rows = await table('Payouts by epoch').allInnerTexts();
      assert.deepEqual(
        rows.map((row) => row.split('\t').slice(0, 2)),
        epochs.flatMap((epoch) => ['training', 'infrastructure'].map((role) => [epoch, role])),
      );
    });

    it('tells what happened to an account, or that the node does not remember it', async () => {
      if (hasIndex) {
        await page.getByText(/paid [\d.\u202f]+ ALICE for training in epoch 1/).waitFor();
        await page.getByText(/signed ProofOfGradient.finish_epoch/).waitFor();
        assert.match((await table('History').allInnerTexts()).at(-1)!, /signed ProofOfGradient.submit_epoch/);
      } else await page.getByText('This node keeps no explorer index').waitFor();
    });

    it('lists all accounts, or says that the node cannot', async () => {
      await open('explorer/accounts');
      if (!hasIndex) return page.getByText('This node keeps no explorer index').waitFor();
      await page.getByText('100 accounts so far').waitFor();
      await page.getByRole('button', { name: 'Show more' }).click();
      await page.getByText('200 accounts so far').waitFor();
      assert.equal(await table('Accounts').count(), 200);
    });

    it('a receipt holds in every point, its place among those the chain settled included', async () => {
      await open(`receipts/${network.address}`);
      await page.getByRole('button', { name: 'Verify in this browser' }).click();
      await page.getByText(/✓ receipts of epoch 0 on the chain: receipt 2 of 2/).waitFor();
      assert.deepEqual(
        (await page.locator('.checks li').allInnerTexts()).filter((line) => !line.startsWith('✓')),
        [],
      );
    });

    it('broke nothing', () => assert.deepEqual(problems, []));
  });
