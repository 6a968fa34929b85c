/** @file Opens a page in a real Chromium and reads what a person would see; used by the end-to-end tests only. */
import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const CANDIDATES = [
  process.env['ALICE_CHROMIUM'],
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];
const executablePath = CANDIDATES.find((path) => path !== undefined && existsSync(path));

/** A reason to skip where no browser is installed; required browsers (CI) are never skipped. */
export const SKIP_BROWSER: string | false =
  executablePath || process.env['ALICE_REQUIRE_BROWSER']
    ? false
    : 'no Chromium found: install it or set ALICE_CHROMIUM';

export interface PageContent {
  readonly text: string;
  /** All `title` attributes: exact amounts and full addresses. */
  readonly titles: readonly string[];
  /** Script errors, console errors and requests to other hosts. */
  readonly errors: readonly string[];
}

export async function openBrowser(): Promise<Browser> {
  if (!executablePath) throw new Error('a browser is required here: install Chromium or set ALICE_CHROMIUM');
  return await chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

export async function readPage(url: string, screenshot: string): Promise<PageContent> {
  const browser = await openBrowser();
  try {
    const page = await browser.newPage({ viewport: { width: 1120, height: 1250 } });
    const errors: string[] = [];
    const { host } = new URL(url);
    page.on('pageerror', (error) => errors.push(error.message));
    page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
    page.on('request', (request) => {
      const asked = new URL(request.url());
      if (asked.protocol.startsWith('http') && asked.host !== host) errors.push(`request to ${asked.host}`);
    });
    await page.goto(url);
    await page.waitForSelector('#connection.live');
    await page.waitForSelector('#chart canvas');
    await page.screenshot({ path: screenshot, fullPage: true });
    const titles = await page.$$eval('[title]', (nodes) =>
      nodes.map((node) => node.getAttribute('title') ?? ''),
    );
    return { text: await page.innerText('body'), titles, errors };
  } finally {
    await browser.close();
  }
}
