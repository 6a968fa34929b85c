/**
 * @file Checks a whole state: every entry belongs to a declared item and decodes, and every pallet's invariants hold
 * (CHAIN-5). For tests, and for an operator who doubts a database. Cost: decodes everything once.
 */
import { fromHex, type HexString, messageOf } from '@alice/protocol';
import type { FullState } from '../pallets/Pallet.js';
import type { StorageKey } from '../storage/Overlay.js';
import type { StorageItem } from '../storage/StorageItem.js';
import { pallets } from '../wiring.js';
import { CODE_KEY } from './codeMarker.js';

/** The violations, empty for a sound state. */
export function tryState(entries: Iterable<readonly [HexString, Uint8Array]>): string[] {
  const sorted = [...entries].sort(([a], [b]) => (a < b ? -1 : 1));
  const malformed = sorted.flatMap(([key, value]) => tryEntry(key, value));
  if (malformed.length > 0) return malformed;
  const state = fullState(sorted);
  const overfull = pallets.flatMap(({ storage }) => storage.flatMap((item) => tryBound(state, item)));
  if (overfull.length > 0) return overfull;
  return pallets.flatMap(({ name, tryState: check }) =>
    (check?.(state) ?? []).map((problem) => `${name}: ${problem}`),
  );
}

function tryEntry(key: HexString, value: Uint8Array): string[] {
  if (key === CODE_KEY.hex) return [];
  const item = itemOf(key);
  if (!item) return [`${key}: no storage item has this key`];
  try {
    item.check(fromHex(key), value);
    return [];
  } catch (error) {
    return [`${item.pallet}.${item.name} ${key}: ${messageOf(error)}`];
  }
}

function itemOf(key: HexString): StorageItem | undefined {
  for (const { storage } of pallets)
    for (const item of storage) {
      const { hex } = item.prefix();
      if (item.map ? key.startsWith(hex) : key === hex) return item;
    }
  return undefined;
}

function tryBound(state: FullState, item: StorageItem): string[] {
  const bound = item.map?.bound;
  if (!bound || !('most' in bound)) return [];
  const { length } = state.keysOf(item);
  return length <= bound.most
    ? []
    : [`${item.pallet}.${item.name} has ${length} entries, at most ${bound.most} may be`];
}

function fullState(sorted: readonly (readonly [HexString, Uint8Array])[]): FullState {
  const values = new Map(sorted);
  return {
    read: ({ hex }: StorageKey) => values.get(hex),
    write: () => {
      throw new Error('cannot happen: a check of the state writes nothing');
    },
    keysOf: (item) => {
      const { hex } = item.prefix();
      return sorted.filter(([key]) => key.startsWith(hex)).map(([key]) => fromHex(key));
    },
  };
}
