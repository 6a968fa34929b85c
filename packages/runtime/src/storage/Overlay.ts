/**
 * @file Writable state on top of committed state, with rollback: a failed call undoes its own writes and no others
 * (CHAIN-5). Not a cache across blocks. Invariant: `rollback(checkpoint())` with nothing between changes nothing.
 */
import { equalBytes, type HexString } from '@alice/protocol';
import type { StateChanges, StateView } from '../interface.js';

/** A storage key as bytes (for the store) and as hex (to look it up). */
export interface StorageKey {
  readonly bytes: Uint8Array;
  readonly hex: HexString;
}

/** What storage items need of the state. */
export interface StateAccess {
  read(key: StorageKey): Uint8Array | undefined;
  write(key: StorageKey, value: Uint8Array | undefined): void;
}

interface Undo {
  readonly hex: HexString;
  readonly previous: Uint8Array | undefined;
}

interface Slot {
  /** What the committed state holds. */
  readonly base: Uint8Array | undefined;
  current: Uint8Array | undefined;
}

export class Overlay implements StateAccess {
  readonly #state: StateView;
  readonly #slots = new Map<HexString, Slot>();
  #journal: Undo[] = [];

  constructor(state: StateView) {
    this.#state = state;
  }

  read(key: StorageKey): Uint8Array | undefined {
    return this.#slot(key).current;
  }

  write(key: StorageKey, value: Uint8Array | undefined): void {
    const slot = this.#slot(key);
    this.#journal.push({ hex: key.hex, previous: slot.current });
    slot.current = value;
  }

  /** A point to go back to. */
  checkpoint(): number {
    return this.#journal.length;
  }

  rollback(checkpoint: number): void {
    for (let i = this.#journal.length - 1; i >= checkpoint; i--) {
      const { hex, previous } = this.#journal[i]!;
      this.#slots.get(hex)!.current = previous;
    }
    this.#journal.length = checkpoint;
  }

  /** Everything that differs from the committed state, by ascending key. */
  changes(): StateChanges {
    const changed = [...this.#slots].filter(([, { base, current }]) => !same(base, current));
    changed.sort(([a], [b]) => (a < b ? -1 : 1));
    return new Map(changed.map(([hex, { current }]) => [hex, current ?? null]));
  }

  #slot(key: StorageKey): Slot {
    const known = this.#slots.get(key.hex);
    if (known) return known;
    const base = this.#state.get(key.bytes);
    const slot = { base, current: base };
    this.#slots.set(key.hex, slot);
    return slot;
  }
}

function same(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === undefined || b === undefined ? a === b : equalBytes(a, b);
}
