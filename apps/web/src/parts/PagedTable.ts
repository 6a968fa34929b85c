/** @file A long table shown a page at a time, newest first; new rows do not move a reader who has turned the page back. */
import { button, element } from '../dom.js';
import { type Cell, Table, type TableOptions } from './Table.js';

export interface PagedTableOptions extends TableOptions {
  readonly rowsPerPage: number;
  /** Rows `from` … `from + length − 1` of `total`, counted from the newest. May ask the chain. */
  readonly rows: (from: number, length: number, total: number) => Promise<readonly (readonly Cell[])[]>;
}

export class PagedTable {
  readonly node: HTMLElement;
  readonly #options: PagedTableOptions;
  readonly #table: Table;
  readonly #place = element('span', { class: 'hint', role: 'status' });
  readonly #newer = button('Newer', () => this.#turn(-1));
  readonly #older = button('Older', () => this.#turn(1));
  #page = 0;
  #total = 0;
  #asked = 0;

  constructor(options: PagedTableOptions) {
    this.#options = options;
    this.#table = new Table(options);
    const pager = element('div', { class: 'pager' }, this.#newer, this.#older, this.#place);
    this.node = element('div', {}, this.#table.node, pager);
  }

  /** Shows the present page of `total` rows. */
  async refresh(total: number): Promise<void> {
    this.#total = total;
    const { rowsPerPage, rows } = this.#options;
    this.#page = Math.max(0, Math.min(this.#page, Math.ceil(total / rowsPerPage) - 1));
    const from = this.#page * rowsPerPage;
    const length = Math.min(rowsPerPage, total - from);
    const asked = ++this.#asked;
    const shown = await rows(from, length, total);
    if (asked !== this.#asked) return; // a newer question is under way
    this.#table.show(shown);
    this.#newer.disabled = this.#page === 0;
    this.#older.disabled = from + length >= total;
    this.#place.textContent = total === 0 ? '' : `${from + 1} to ${from + length} of ${total}`;
  }

  #turn(by: number): void {
    this.#page += by;
    void this.refresh(this.#total).catch(() => undefined);
  }
}
