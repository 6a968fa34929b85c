/** @file A small set of radio buttons that look like a switch; native inputs, so keyboard and screen readers just work. */
import { element, freshId } from '../dom.js';

export interface ChoiceOptions<T extends string> {
  readonly legend: string;
  readonly options: readonly (readonly [value: T, label: string])[];
  readonly onChange: (value: T) => void;
}

/** The first option is chosen at the start; `onChange` is not called for it. */
export function choice<T extends string>({ legend, options, onChange }: ChoiceOptions<T>): HTMLElement {
  const name = freshId();
  const buttons = options.map(([value, label], i) => {
    const input = element('input', { type: 'radio', name, value });
    input.checked = i === 0;
    input.addEventListener('change', () => onChange(value));
    return element('label', {}, input, element('span', {}, label));
  });
  return element('fieldset', { class: 'choice' }, element('legend', {}, legend), ...buttons);
}
