/** @file What a page of this app is: an element, fed with the network's status as it changes, closed when left. */
import type { NetworkStatus } from '@alice/protocol';

export interface View {
  readonly title: string;
  readonly node: HTMLElement;
  /** New figures; called at once if there are any. */
  onStatus?(status: NetworkStatus): void;
  close?(): void;
}

/** `parameters`: what follows the page's name in the address, `#/name/a/b` → `['a', 'b']`. */
export type OpenView = (parameters: readonly string[]) => View;
