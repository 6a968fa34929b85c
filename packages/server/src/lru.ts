/** @file A map that keeps the most recently used entries: at most `limit` of them, or of what they weigh. */

export interface Lru<K, V> {
  get(key: K): V | undefined;
  /** Returns the value, for use in expressions. */
  set(key: K, value: V): V;
  delete(key: K): void;
}

export function createLru<K, V>(limit: number, weigh: (value: V) => number = () => 1): Lru<K, V> {
  let weight = 0;
  const entries = new Map<K, V>(); // insertion order is order of use
  const remove = (key: K): void => {
    const value = entries.get(key);
    if (value === undefined) return;
    entries.delete(key);
    weight -= weigh(value);
  };
  return {
    get(key) {
      const value = entries.get(key);
      if (value === undefined) return undefined;
      entries.delete(key);
      entries.set(key, value);
      return value;
    },
    set(key, value) {
      remove(key);
      entries.set(key, value);
      weight += weigh(value);
      for (const oldest of entries.keys()) {
        if (weight <= limit || entries.size === 1) break;
        remove(oldest);
      }
      return value;
    },
    delete: remove,
  };
}
