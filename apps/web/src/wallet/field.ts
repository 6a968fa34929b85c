/** @file A labelled input, and a form that runs one thing at a time and says what went wrong. */
import { messageOf } from '@alice/protocol';
import { type Child, element, freshId } from '../dom.js';

export interface FieldOptions {
  readonly label: string;
  readonly type?: 'text' | 'password' | 'file';
  readonly hint?: string;
  readonly autocomplete?: string;
  readonly inputmode?: string;
  readonly value?: string;
}

export interface Field {
  readonly node: HTMLElement;
  readonly input: HTMLInputElement;
}

export function field({
  label,
  type = 'text',
  hint = '',
  autocomplete = 'off',
  inputmode = '',
  value = '',
}: FieldOptions): Field {
  const id = freshId();
  const input = element('input', {
    id,
    type,
    autocomplete,
    inputmode,
    spellcheck: 'false',
    autocapitalize: 'none',
    'aria-describedby': hint && `${id}-hint`,
  });
  if (type !== 'file') input.value = value;
  const said = hint ? [element('span', { class: 'hint', id: `${id}-hint` }, hint)] : [];
  return {
    input,
    node: element('div', { class: 'field' }, element('label', { for: id }, label), input, ...said),
  };
}

export interface FormOptions {
  readonly submit: string;
  /** Shown while it runs. */
  readonly busy: string;
  readonly run: () => Promise<void>;
}

export function form({ submit, busy, run }: FormOptions, ...children: readonly Child[]): HTMLFormElement {
  const go = element('button', { type: 'submit', class: 'main' }, submit);
  const said = element('p', { class: 'problem', role: 'alert' });
  const node = element('form', { class: 'stack' }, ...children, go, said);
  node.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (go.disabled) return;
    go.disabled = true;
    go.textContent = busy;
    said.textContent = '';
    await painted(); // unlocking keeps the thread busy for half a second: let the button say so first
    try {
      await run();
    } catch (error) {
      said.textContent = messageOf(error);
    }
    go.disabled = false;
    go.textContent = submit;
  });
  return node;
}

const painted = (): Promise<void> =>
  new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 0)));
