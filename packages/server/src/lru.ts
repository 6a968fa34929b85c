/** @file A map that keeps the most recently used entries, at most `limit`. */

export interface Lru<K, V> {
  get(key: K): V | undefined;
  /** Returns the value, for use in expressions. */
  set(key: K, value: V): V;
  delete(key: K): void;
}

export function createLru<K, V>(limit: number): Lru<K, V> {
  const entries = new Map<K, V>(); // insertion order is order of use
  return {
    get(key) {
      const value = entries.get(key);
      if (value === undefined) return undefined;
      entries.delete(key);
      entries.set(key, value);
      return value;
    },
    set(key, value) {
      entries.delete(key);
      entries.set(key, value);
      for (const oldest of entries.keys()) {
        if (entries.size <= limit) break;
        entries.delete(oldest);
      }
      return value;
    },
    delete: (key) => void entries.delete(key),
  };
}
