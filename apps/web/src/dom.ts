/** @file Makes elements. Text always goes in as text, so nothing a peer sends can become markup. */

type Child = Node | string;

export function element(
  tag: string,
  attributes: Readonly<Record<string, string>> = {},
  ...children: readonly Child[]
): HTMLElement {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

export function byId(id: string): HTMLElement {
  const node = document.getElementById(id);
  if (!node) throw new Error(`the page has no #${id}; index.html and page.ts are one build`);
  return node;
}

export interface Cell {
  readonly text: string;
  readonly title?: string;
  readonly number?: boolean;
  readonly code?: boolean;
}

/** Replaces a table's content; an empty one says so. */
export function fillTable(
  table: HTMLElement,
  columns: readonly string[],
  rows: readonly (readonly Cell[])[],
  empty: string,
): void {
  const numeric = columns.map((_, i) => rows[0]?.[i]?.number === true);
  const head = element(
    'tr',
    {},
    ...columns.map((name, i) => element('th', { scope: 'col', class: numeric[i] ? 'number' : '' }, name)),
  );
  const body = rows.map((cells) => element('tr', {}, ...cells.map(cellOf)));
  if (rows.length === 0)
    body.push(element('tr', {}, element('td', { colspan: String(columns.length) }, empty)));
  table.replaceChildren(element('thead', {}, head), element('tbody', {}, ...body));
}

function cellOf({ text, title, number, code }: Cell): HTMLElement {
  const attributes: Record<string, string> = { class: number ? 'number' : '' };
  if (title) attributes['title'] = title;
  return element('td', attributes, code ? element('code', {}, text) : text);
}
