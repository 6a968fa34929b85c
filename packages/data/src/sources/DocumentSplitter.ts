/**
 * @file Cuts a long text into documents at the best border at hand: a blank line, else a line end, else a sentence end,
 * else a blank, else between two characters. Nothing is lost: the documents joined are the text. The cuts depend only
 * on the text, never on the pieces in which it came.
 */

/** Borders from best to worst; each stays with the document before it. */
const BORDERS = ['\n\n', '\n', '. ', ' '];

export class DocumentSplitter {
  readonly #limit: number;
  #pending = '';

  /** `limit`: the most UTF-16 units of a document, at least 16. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Adds text; returns the documents that are now complete. */
  push(text: string): string[] {
    const documents: string[] = [];
    let rest = this.#pending + text;
    while (rest.length > this.#limit) {
      const end = documentEnd(rest, this.#limit);
      documents.push(rest.slice(0, end));
      rest = rest.slice(end);
    }
    this.#pending = rest;
    return documents;
  }

  /** The last document, and a new beginning. */
  finish(): string[] {
    const rest = this.#pending;
    this.#pending = '';
    return rest === '' ? [] : [rest];
  }
}

function documentEnd(text: string, limit: number): number {
  for (const border of BORDERS) {
    const end = text.lastIndexOf(border, limit - border.length) + border.length;
    // A border near the beginning would leave crumbs: a worse border further on is better.
    if (end > limit / 4) return end;
  }
  const isInsidePair = text.charCodeAt(limit - 1) >= 0xd800 && text.charCodeAt(limit - 1) < 0xdc00;
  return isInsidePair ? limit - 1 : limit;
}
