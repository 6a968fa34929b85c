/**
 * @file A set of callbacks that can be told something. A callback that throws is logged and never disturbs the
 * others, nor the block that was just committed.
 */
import { type Logger, messageOf } from '@alice/protocol';
import type { Unsubscribe } from './interface.js';

export class Listeners<Event> {
  readonly #callbacks = new Set<(event: Event) => void>();
  readonly #log: Logger;

  constructor(log: Logger) {
    this.#log = log;
  }

  get size(): number {
    return this.#callbacks.size;
  }

  add(callback: (event: Event) => void): Unsubscribe {
    const own = (event: Event): void => callback(event); // the same function may be added twice
    this.#callbacks.add(own);
    return () => void this.#callbacks.delete(own);
  }

  tell(event: Event): void {
    for (const callback of [...this.#callbacks]) {
      try {
        callback(event);
      } catch (error) {
        this.#log.error('A block listener failed', { error: messageOf(error) });
      }
    }
  }
}
