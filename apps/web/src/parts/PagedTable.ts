/** @file A long table shown a page at a time; new rows do not move a reader who has turned the page. */
import { button, element } from '../dom.js';
import { count } from '../format.js';
import { type Cell, Table, type TableOptions } from './Table.js';

export interface PagedTableOptions extends TableOptions {
  readonly rowsPerPage: number;
  /** What the buttons say; without it the newest rows come first. */
  readonly turn?: readonly [back: string, on: string];
  /** What `total` counts, where that is not rows. */
  readonly unit?: string;
  /** Rows `from` … `from + length − 1` of `total`, counted from the first shown. May ask the chain. */
  readonly rows: (from: number, length: number, total: number) => Promise<readonly (readonly Cell[])[]>;
}

export class PagedTable {
  readonly node: HTMLElement;
  readonly #options: PagedTableOptions;
  readonly #table: Table;
  readonly #place = element('span', { class: 'hint', role: 'status' });
  readonly #back: HTMLButtonElement;
  readonly #on: HTMLButtonElement;
  readonly #pager: HTMLElement;
  #page = 0;
  #total = 0;
  #asked = 0;

  constructor(options: PagedTableOptions) {
    this.#options = options;
    this.#table = new Table(options);
    const [back, on] = options.turn ?? ['Newer', 'Older'];
    this.#back = button(back, () => this.#turn(-1));
    this.#on = button(on, () => this.#turn(1));
    this.#pager = element('div', { class: 'pager' }, this.#back, this.#on, this.#place);
    this.#pager.hidden = true;
    this.node = element('div', {}, this.#table.node, this.#pager);
  }

  /** Shows the present page of `total` rows. */
  async refresh(total: number): Promise<void> {
    this.#total = total;
    const { rowsPerPage, rows, unit = '' } = this.#options;
    this.#page = Math.max(0, Math.min(this.#page, Math.ceil(total / rowsPerPage) - 1));
    const from = this.#page * rowsPerPage;
    const length = Math.min(rowsPerPage, total - from);
    const asked = ++this.#asked;
    const shown = await rows(from, length, total);
    if (asked !== this.#asked) return; // a newer question is under way
    this.#table.show(shown);
    this.#pager.hidden = total <= rowsPerPage;
    this.#back.disabled = this.#page === 0;
    this.#on.disabled = from + length >= total;
    this.#place.textContent = `${count(from + 1)} to ${count(from + length)} of ${count(total)} ${unit}`;
  }

  #turn(by: number): void {
    this.#page += by;
    void this.refresh(this.#total).catch(() => undefined);
  }
}
