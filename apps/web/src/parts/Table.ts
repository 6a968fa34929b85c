/**
 * @file A table that is kept current: rows that did not change stay the same elements, so selections, focus and screen
 * readers are not disturbed by new figures. Wide tables scroll inside their own frame, never the page.
 */
import { element, link } from '../dom.js';

export interface Column {
  readonly name: string;
  readonly number?: boolean;
}
export interface Cell {
  readonly text: string;
  readonly title?: string;
  readonly code?: boolean;
  /** A sentence: breaks into lines even where figures scroll. */
  readonly words?: boolean;
  readonly href?: string;
}

export interface TableOptions {
  /** What the table holds, for screen readers. */
  readonly label: string;
  /** A bare name is a text column; `#name` a column of numbers. */
  readonly columns: readonly string[];
  readonly empty: string;
}

export class Table {
  readonly node: HTMLElement;
  readonly #columns: readonly Column[];
  readonly #empty: string;
  readonly #body = element('tbody');
  #shown: string[] = [];

  constructor({ label, columns, empty }: TableOptions) {
    this.#columns = columns.map((name) =>
      name.startsWith('#') ? { name: name.slice(1), number: true } : { name },
    );
    this.#empty = empty;
    const head = element(
      'tr',
      {},
      ...this.#columns.map(({ name, number }) =>
        element('th', { scope: 'col', class: number ? 'number' : '' }, name),
      ),
    );
    const table = element('table', { 'aria-label': label }, element('thead', {}, head), this.#body);
    this.node = element('div', { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': label }, table);
  }

  show(rows: readonly (readonly Cell[])[]): void {
    if (rows.length === 0) {
      this.#showEmpty();
      return;
    }
    const keys = rows.map((cells) => JSON.stringify(cells));
    while (this.#body.rows.length > rows.length) this.#body.deleteRow(-1);
    rows.forEach((cells, i) => {
      if (this.#shown[i] === keys[i]) return;
      const row = element('tr', {}, ...cells.map((cell, column) => this.#cell(cell, column)));
      const old = this.#body.rows[i];
      if (old) old.replaceWith(row);
      else this.#body.append(row);
    });
    this.#shown = keys;
  }

  #showEmpty(): void {
    this.#shown = [];
    const cell = element('td', { colspan: String(this.#columns.length) }, this.#empty);
    this.#body.replaceChildren(element('tr', {}, cell));
  }

  #cell({ text, title, code, href, words }: Cell, column: number): HTMLElement {
    const content = code ? element('code', {}, text) : text;
    const plain = words ? 'words' : '';
    return element(
      'td',
      { class: this.#columns[column]?.number ? 'number' : plain, title: title ?? '' },
      href ? link(href, content) : content,
    );
  }
}
