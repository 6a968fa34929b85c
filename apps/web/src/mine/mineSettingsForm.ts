/** @file What a person may choose: where rewards go, what computes, how much of it, and when to pause. */
import type { DeviceChoice } from '@alice/miner/browser';
import { type Child, element, freshId, hint } from '../dom.js';
import { shortAddress } from '../format.js';
import type { MineSettings } from './mineSettings.js';

export interface MineSettingsFormOptions {
  readonly settings: MineSettings;
  readonly cores: number;
  /** Threads share memory only in a page isolated from other origins. */
  readonly canThread: boolean;
  readonly canTellBattery: boolean;
  readonly wallets: readonly { readonly name: string; readonly address: string }[];
  onChange(change: Partial<MineSettings>): void;
}

export interface MineSettingsForm {
  readonly node: HTMLElement;
  /** What takes effect only at the start cannot be changed while mining. */
  lock(on: boolean): void;
}

const DEVICES: readonly (readonly [DeviceChoice, string])[] = [
  ['auto', 'the best there is'],
  ['wasm', 'processor (WebAssembly)'],
  ['webgpu', 'graphics card (WebGPU)'],
];

export function mineSettingsForm(options: MineSettingsFormOptions): MineSettingsForm {
  const { settings, cores, canThread, canTellBattery, wallets, onChange } = options;
  const payTo = select(
    [
      ['', "this browser's mining key"],
      ...wallets.map(({ name, address }) => [address, `${name} (${shortAddress(address)})`] as const),
    ],
    settings.payTo,
    (value) => onChange({ payTo: value }),
  );
  const device = select(DEVICES, settings.device, (value) => onChange({ device: value as DeviceChoice }));
  const counts = Array.from({ length: canThread ? cores : 1 }, (_, i) => String(i + 1));
  const threads = select(
    counts.map((n) => [n, `${n} of ${cores}`]),
    String(canThread ? settings.threads : 1),
    (value) => onChange({ threads: Number(value) }),
  );
  const hidden = checkbox('Pause while this tab is hidden', settings.pauseWhenHidden, (on) =>
    onChange({ pauseWhenHidden: on }),
  );
  const battery = checkbox('Pause on battery', settings.pauseOnBattery, (on) =>
    onChange({ pauseOnBattery: on }),
  );
  const locked = [payTo, device, threads];
  return {
    node: element(
      'div',
      { class: 'stack' },
      labelled('Rewards go to', payTo),
      labelled('Compute on the', device),
      labelled('Processor cores', threads),
      ...(canThread
        ? []
        : [hint('This page is not isolated from other origins, so it may use one core only.')]),
      hidden,
      ...(canTellBattery ? [battery] : []),
    ),
    lock: (on) => {
      for (const field of locked) field.disabled = on;
    },
  };
}

function select(
  choices: readonly (readonly [value: string, text: string])[],
  chosen: string,
  onChange: (value: string) => void,
): HTMLSelectElement {
  const node = element(
    'select',
    {},
    ...choices.map(([value, text]) => {
      const option = element('option', {}, text);
      option.value = value;
      option.selected = value === chosen;
      return option;
    }),
  );
  node.addEventListener('change', () => onChange(node.value));
  return node;
}

function labelled(text: string, field: HTMLElement): HTMLElement {
  field.id = freshId();
  return element('div', { class: 'field' }, element('label', { for: field.id }, text), field);
}

function checkbox(text: Child, isOn: boolean, onChange: (on: boolean) => void): HTMLElement {
  const input = element('input', { type: 'checkbox' });
  input.checked = isOn;
  input.addEventListener('change', () => onChange(input.checked));
  return element('label', { class: 'check' }, input, text);
}
