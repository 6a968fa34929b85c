/** @file One key figure: its name, its value, what to know about it. */
import { element } from '../dom.js';

export interface TileOptions {
  readonly name: string;
  readonly value: string;
  readonly note?: string;
  readonly good?: boolean;
  readonly title?: string;
}

export function tile({ name, value, note = '', good = false, title = '' }: TileOptions): HTMLElement {
  return element(
    'div',
    { class: 'tile', title },
    element('div', { class: 'name' }, name),
    element('div', { class: 'value' }, value),
    element('div', { class: good ? 'note good' : 'note' }, note),
  );
}
