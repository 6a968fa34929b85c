/** @file What the site's search looks through: one entry for each heading, with the text below it. */
import type { Rendered } from './markdown.js';

export interface SearchEntry {
  /** Address on the site. */
  readonly to: string;
  readonly page: string;
  readonly heading: string;
  readonly text: string;
}

const MAX_TEXT = 4_000;

export function searchEntries(pages: readonly { target: string; rendered: Rendered }[]): SearchEntry[] {
  return pages.flatMap(({ target, rendered: { html, title } }) =>
    html
      .split(/(?=<h[1-6] id=")/)
      .filter((part) => part.startsWith('<h'))
      .map((part) => {
        const [, id = '', heading = ''] = /^<h[1-6] id="([^"]*)">(.*?) <a class="anchor"/s.exec(part) ?? [];
        const text = plain(part.slice(part.indexOf('</h') + 5)).slice(0, MAX_TEXT);
        return { to: `${target}#${id}`, page: title, heading: plain(heading), text };
      }),
  );
}

const plain = (html: string): string =>
  html
    .replace(/<[^>]+>/g, ' ')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&')
    .replace(/\s+/g, ' ')
    .trim();
