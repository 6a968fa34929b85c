/**
 * @file The app in a real Chromium against a real chain: wallets are made, money moves between them, blocks show it, keys
 * are never stored in the open, an extension signs, and a node that goes away and comes back is noticed.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { initCrypto, keyPairFromSecret, newMnemonic } from '@alice/protocol';
import { Keyring } from '@polkadot/keyring';
import { TypeRegistry } from '@polkadot/types';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { openTab, SKIP_BROWSER, startBrowser } from './testing/browser.js';
import { type ChainNode, chainNode } from './testing/chainNode.js';
import { exampleStatus } from './testing/exampleStatus.js';
import { type PageServer, servePage } from './testing/pageServer.js';

const ALICE = 1_000_000_000_000n;
const PASSWORD = 'correct horse battery';
const dir = mkdtempSync(join(tmpdir(), 'alice-web-'));
let node: ChainNode;
let server: PageServer;
let browser: Browser;
let context: BrowserContext;
let page: Page;
let problems: string[];
let richPhrase: string;
let rich: string;
let poor: string;

describe('the web app', { skip: SKIP_BROWSER }, () => {
  before(async () => {
    await initCrypto();
    richPhrase = newMnemonic();
    rich = keyPairFromSecret(richPhrase).address;
    node = await chainNode({ dir, rich, planck: 1000n * ALICE });
    server = await servePage({
      status: () => exampleStatus({ networkId: node.genesisHash }),
      chainWs: node.ws,
    });
    browser = await startBrowser();
    context = await browser.newContext({ acceptDownloads: true });
    ({ page, problems } = await openTab(context, new URL(server.url).host));
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
    await node?.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  it('imports a phrase and shows the balance the chain has', async () => {
    await open('wallet');
    const form = sectionOf('Use a recovery phrase');
    await form.getByLabel('Recovery phrase').fill(`  ${richPhrase.replace(/ /g, '\n')} `);
    await form.getByLabel('Name, for you').fill('rich');
    await form.getByLabel('Choose a password').fill(PASSWORD);
    await form.getByLabel('The password again').fill(PASSWORD);
    await form.getByRole('button', { name: 'Import' }).click();
    await page.waitForURL(`**/#/wallet/${rich}`);
    await page.getByText('1000 ALICE (1000000000000000 planck)').waitFor();
  });

  it('makes a wallet: the phrase is shown, asked for, and never stored', async () => {
    await open('wallet');
    const form = sectionOf('Create a wallet');
    await form.getByLabel('Name, for you').fill('poor');
    await form.getByLabel('Choose a password').fill(PASSWORD);
    await form.getByLabel('The password again').fill(PASSWORD);
    await form.getByRole('button', { name: 'Make a recovery phrase' }).click();
    const words = await form.locator('.phrase li').allInnerTexts();
    assert.equal(words.length, 12);
    await form.getByRole('button', { name: 'I have written them down' }).click();
    const fields = await form.getByLabel(/^Word \d+$/).all();
    assert.equal(fields.length, 3);
    await fields[0]!.fill('wrong');
    await form.getByRole('button', { name: 'Keep this wallet' }).click();
    await form.getByText('these are not the words').waitFor();
    for (const label of await form.locator('label').allInnerTexts())
      await form.getByLabel(label, { exact: true }).fill(words[Number(/\d+/.exec(label)![0]) - 1]!);
    await form.getByRole('button', { name: 'Keep this wallet' }).click();
    poor = keyPairFromSecret(words.join(' ')).address;
    await page.waitForURL(`**/#/wallet/${poor}`);
    const stored = await page.evaluate(() => JSON.stringify({ ...localStorage }));
    assert.ok(stored.includes(poor), 'the wallet is kept');
    for (const secret of [words.slice(0, 3).join(' '), richPhrase.slice(0, 24), PASSWORD])
      assert.ok(!stored.includes(secret), 'nothing secret is kept in the open');
  });

  it('sends with fee and password, and the receiver sees it arrive', async () => {
    await open(`wallet/${rich}`);
    const form = sectionOf('Send');
    await form.getByLabel('To (address)').fill(poor);
    await form.getByLabel('Amount (ALICE)').fill('2000');
    await form.getByRole('button', { name: 'Review' }).click();
    await form.getByText('amount and fee together are more than the balance').waitFor();
    await form.getByLabel('Amount (ALICE)').fill('12.5');
    await form.getByRole('button', { name: 'Review' }).click();
    await form.getByText('12.5 ALICE (12500000000000 planck)').waitFor();
    await form.getByLabel('Password of this wallet').fill('not the password');
    await form.getByRole('button', { name: 'Sign and send' }).click();
    await form.getByText('the password is wrong').waitFor();
    await form.getByLabel('Password of this wallet').fill(PASSWORD);
    await form.getByRole('button', { name: 'Sign and send' }).click();
    await form.getByText(/the transfer is in block \d+/).waitFor();
    await open(`wallet/${poor}`);
    await page.getByText('12.5 ALICE (12500000000000 planck)').waitFor();
  });

  it('shows the transfer in its block, and finds accounts by search', async () => {
    await open('explorer');
    const row = page.locator('tr', { hasText: 'Balances.transfer_keep_alive' });
    await row.locator('a').click();
    const extrinsic = sectionOf('1: Balances.transfer_keep_alive');
    await extrinsic.getByText('success', { exact: true }).waitFor();
    await extrinsic.getByText(/event/).click();
    assert.match((await extrinsic.textContent()) ?? '', /Balances\.Transferfrom.*amount12\.5 ALICE/);
    await open('explorer');
    await page.getByLabel('Block number, hash of a block').fill(poor);
    await page.keyboard.press('Enter');
    await page.waitForURL(`**/#/explorer/account/${poor}`);
    await page.getByText('12.5 ALICE (12500000000000 planck)').waitFor();
  });

  it('exports a key file that another browser can import with the password alone', async () => {
    await open(`wallet/${poor}`);
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Export the encrypted key file' }).click(),
    ]);
    const file = join(dir, 'key.json');
    await download.saveAs(file);
    assert.equal((JSON.parse(readFileSync(file, 'utf8')) as { address: string }).address, poor);
    const other = await openTab(await browser.newContext(), new URL(server.url).host);
    await other.page.goto(`${server.url}#/wallet`);
    const form = other.page.locator('section', { hasText: 'Use a key file' });
    await form.getByLabel('Key file (JSON)').setInputFiles(file);
    await form.getByLabel('Password of the key file').fill(PASSWORD);
    await form.getByRole('button', { name: 'Import' }).click();
    await other.page.waitForURL(`**/#/wallet/${poor}`);
    assert.deepEqual(other.problems, []);
    await other.page.close();
  });

  it('signs through a wallet extension', async () => {
    const tab = await openTab(await browser.newContext(), new URL(server.url).host);
    const pair = new Keyring({ type: 'sr25519', ss58Format: 42 }).addFromUri(richPhrase);
    await tab.page.exposeFunction('signPayload', (payload: { signedExtensions: string[] }) => {
      const registry = new TypeRegistry();
      registry.setSignedExtensions(payload.signedExtensions);
      const signed = registry.createType('ExtrinsicPayload', payload, { version: 4 }).sign(pair as never);
      return { signature: signed.signature };
    });
    await tab.page.addInitScript((address: string) => {
      const signPayload = (window as unknown as { signPayload: unknown }).signPayload;
      const enable = async () => ({
        accounts: { get: async () => [{ address, name: 'outside', type: 'sr25519' }] },
        signer: { signPayload },
      });
      Object.assign(window, { injectedWeb3: { 'test-wallet': { enable } } });
    }, pair.address);
    await tab.page.goto(`${server.url}#/wallet`);
    await tab.page.getByRole('button', { name: 'Connect test-wallet' }).click();
    await tab.page.getByRole('link', { name: 'outside' }).click();
    await tab.page.getByLabel('To (address)').fill(poor);
    await tab.page.getByLabel('Amount (ALICE)').fill('0.5');
    await tab.page.getByRole('button', { name: 'Review' }).click();
    await tab.page.getByRole('button', { name: 'Sign and send' }).click();
    await tab.page.getByText(/the transfer is in block \d+/).waitFor();
    await open(`wallet/${poor}`);
    await page.getByText('13 ALICE (13000000000000 planck)').waitFor();
    assert.deepEqual(tab.problems, []);
    await tab.page.close();
  });

  it('says that the chain is gone, and goes on when it is back', async () => {
    await open('explorer');
    await page.locator('.notice.live').waitFor();
    await node.stop();
    await page.getByText('no chain node answers at').waitFor();
    await node.start();
    await page.locator('.notice.live').waitFor();
    const newest = page.locator('td.number a').first();
    const before = Number(await newest.textContent());
    await page.waitForFunction((n) => Number(document.querySelector('td.number a')?.textContent) > n, before);
  });

  it('never scrolls sideways on a phone, names each page, and breaks nothing', async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    const routes = [
      '',
      'model',
      'chat',
      'attacks',
      'miners',
      'epochs',
      'epochs/0',
      'explorer',
      'explorer/block/1',
      'wallet',
    ];
    for (const route of [...routes, `wallet/${poor}`, `explorer/account/${rich}`]) {
      await open(route);
      await page.waitForTimeout(300);
      const { wide, headings, unlabelled } = await page.evaluate(() => ({
        wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
        headings: document.querySelectorAll('main h1').length,
        unlabelled: [...document.querySelectorAll('input, textarea')].filter(
          (field) => (field as HTMLInputElement).labels?.length === 0,
        ).length,
      }));
      assert.deepEqual({ route, wide, headings, unlabelled }, { route, wide: 0, headings: 1, unlabelled: 0 });
    }
    assert.deepEqual(problems, []);
  });
});

async function open(route: string): Promise<void> {
  await page.goto(`${server.url}#/${route}`);
  await page.locator('main h1').waitFor();
}

const sectionOf = (title: string) =>
  page.locator('section').filter({ has: page.getByRole('heading', { name: title, exact: true, level: 2 }) });
