/** @file Makes elements. Text always goes in as text, so nothing a peer sends can become markup. */

export type Child = Node | string;

export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, string>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== '') node.setAttribute(name, value);
  node.append(...children);
  return node;
}

export function byId(id: string): HTMLElement {
  const node = document.getElementById(id);
  if (!node) throw new Error(`the page has no #${id}; index.html and page.ts are one build`);
  return node;
}

let lastId = 0;
/** An id for tying a label to what it names. */
export const freshId = (): string => `e${++lastId}`;

/** A titled part of a page. */
export function section(title: string, ...children: readonly Child[]): HTMLElement {
  const id = freshId();
  return element('section', { 'aria-labelledby': id }, element('h2', { id }, title), ...children);
}

export const hint = (...children: readonly Child[]): HTMLElement =>
  element('p', { class: 'hint' }, ...children);

/** A link inside the page. */
export const link = (
  href: string,
  text: Child,
  attributes: Readonly<Record<string, string>> = {},
): HTMLElement => element('a', { href, ...attributes }, text);

export function button(
  text: string,
  onClick: () => void,
  kind: 'plain' | 'main' = 'plain',
): HTMLButtonElement {
  const node = element('button', { type: 'button', class: kind === 'main' ? 'main' : '' }, text);
  node.addEventListener('click', onClick);
  return node;
}

/** Names and what they name, as a definition list. */
export function facts(entries: readonly (readonly [name: string, ...value: Child[]])[]): HTMLElement {
  return element(
    'dl',
    { class: 'facts' },
    ...entries.flatMap(([name, ...value]) => [element('dt', {}, name), element('dd', {}, ...value)]),
  );
}
