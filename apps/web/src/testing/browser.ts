/** @file A real Chromium for end-to-end tests: finds it, and notes script errors and requests to other hosts. */
import { existsSync } from 'node:fs';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';

const CANDIDATES = [
  process.env['ALICE_CHROMIUM'],
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];
const executablePath = CANDIDATES.find((path) => path !== undefined && existsSync(path));

export const SKIP_BROWSER: string | false =
  executablePath || process.env['ALICE_REQUIRE_BROWSER']
    ? false
    : 'no Chromium found: install it or set ALICE_CHROMIUM';

/** `args`: switches of Chromium; without any it draws no graphics. */
export async function startBrowser(args: readonly string[] = ['--disable-gpu']): Promise<Browser> {
  if (!executablePath) throw new Error('a browser is required here: install Chromium or set ALICE_CHROMIUM');
  return await chromium.launch({ executablePath, args: ['--no-sandbox', ...args] });
}

/** A tab; `problems` gathers what must not happen in it. */
export async function openTab(
  context: BrowserContext,
  ownHost: string,
): Promise<{ page: Page; problems: string[] }> {
  const page = await context.newPage();
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('request', (request) => {
    const { protocol, host } = new URL(request.url());
    if (protocol.startsWith('http') && host !== ownHost) problems.push(`request to ${host}`);
  });
  page.setDefaultTimeout(20_000);
  return { page, problems };
}
