/** @file Asks the model something on the chat page in a real Chromium, and watches the answer grow; for end-to-end tests only. */
import { openBrowser } from './readPage.js';

export interface PageTalk {
  readonly answer: string;
  /** What stands under the answer: version, tokens, speed. */
  readonly note: string;
  /** How often the answer grew. */
  readonly pieces: number;
}

export async function talkInPage(url: string, question: string): Promise<PageTalk> {
  const browser = await openBrowser();
  try {
    const page = await browser.newPage();
    page.setDefaultTimeout(60_000);
    await page.goto(`${url}#/chat`);
    const send = page.getByRole('button', { name: 'Send', disabled: false });
    await page.getByLabel('answers you').check();
    await page.getByLabel('Your message').fill(question);
    await send.waitFor();
    const growth = page.evaluate(
      () =>
        new Promise<number>((resolve) => {
          let pieces = 0;
          new MutationObserver((_, observer) => {
            pieces++;
            const answer = document.querySelector('.talk li.model');
            if (!answer || answer.hasAttribute('aria-busy')) return;
            observer.disconnect();
            resolve(pieces);
          }).observe(document.querySelector('.talk')!, {
            ...{ childList: true, subtree: true, characterData: true, attributes: true },
          });
        }),
    );
    await send.click();
    const pieces = await growth;
    return {
      answer: await page.locator('.talk li.model .words').innerText(),
      note: await page.locator('.talk li.model .hint').innerText(),
      pieces,
    };
  } finally {
    await browser.close();
  }
}
