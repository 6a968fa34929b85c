/** @file Every page of the app, with what shows that its figures have arrived; for end-to-end tests only. */
import type { Page } from 'playwright-core';

export interface AppPage {
  readonly route: string;
  /** Text that is there once the page has what it shows. */
  readonly figure: string | RegExp;
}

/** `address`: an account that mines, has a receipt, and a wallet in this browser. */
export const everyPage = (address: string): readonly AppPage[] => [
  { route: '', figure: 'nats under uniform guessing' },
  { route: 'model', figure: 'king was old' },
  { route: 'chat', figure: /alice-nano, version 2/ },
  { route: 'miners', figure: 'what the chain has paid the address in all epochs' },
  { route: `receipts/${address}`, figure: 'Verify in this browser' },
  { route: 'mine', figure: 'not mining' },
  { route: 'epochs', figure: /10[.]0000|0[.]\d{4}/ },
  { route: 'epochs/0', figure: 'add up to exactly what was minted' },
  { route: 'attacks', figure: /\d+ of \d+ hold/ },
  { route: 'explorer', figure: /0x[0-9a-f]{8}…/ },
  { route: 'explorer/block/1', figure: 'Timestamp.set' },
  { route: `explorer/account/${address}`, figure: /paid .* for training in epoch 0/ },
  { route: 'explorer/accounts', figure: /\d+ accounts/ },
  { route: 'wallet', figure: 'mine' },
  { route: `wallet/${address}`, figure: /\d ALICE \(\d+ planck\)/ },
];

/** Opens a page and waits for its figures. */
export async function openPage(page: Page, serverUrl: string, { route, figure }: AppPage): Promise<void> {
  await page.goto(`${serverUrl}#/${route}`);
  await page.locator('main h1').waitFor();
  await page.locator('main').getByText(figure).first().waitFor();
}
