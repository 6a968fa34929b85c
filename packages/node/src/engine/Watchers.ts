/**
 * @file Who wants to hear about which extrinsic. Telling costs one look-up per extrinsic, however many are watched.
 */
import type { HexString, Logger } from '@alice/protocol';
import type { ExtrinsicEvent, Unsubscribe } from './interface.js';
import { Listeners } from './Listeners.js';

export class Watchers {
  readonly #byHash = new Map<HexString, Listeners<ExtrinsicEvent>>();
  readonly #log: Logger;

  constructor(log: Logger) {
    this.#log = log;
  }

  watch(hash: HexString, listener: (event: ExtrinsicEvent) => void): Unsubscribe {
    const listeners = this.#byHash.get(hash) ?? new Listeners<ExtrinsicEvent>(this.#log);
    this.#byHash.set(hash, listeners);
    const remove = listeners.add(listener);
    return () => {
      remove();
      if (listeners.size === 0 && this.#byHash.get(hash) === listeners) this.#byHash.delete(hash);
    };
  }

  tell(hash: HexString, event: ExtrinsicEvent): void {
    this.#byHash.get(hash)?.tell(event);
  }
}
