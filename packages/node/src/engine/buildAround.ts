/**
 * @file Keeps one bad transaction from stopping the chain. A runtime never throws for a bad extrinsic; if a fault in
 * it does, the offered list is halved until the culprits stand alone, and the block is built without them.
 * Cost: nothing without a fault; about k·log₂(n) extra builds for k culprits among n.
 */

/** `build(items)` without the items that make it throw, and those items. Throws when even no items fail. */
export function buildAround<Item, Output>(
  items: readonly Item[],
  build: (items: readonly Item[]) => Output,
): { readonly output: Output; readonly poison: readonly Item[] } {
  try {
    return { output: build(items), poison: [] };
  } catch (error) {
    if (items.length === 0) throw error;
  }
  build([]); // a fault that no transaction causes is for the caller, and must not empty the pool
  const poison = culprits(items, build);
  const rest = items.filter((item) => !poison.includes(item));
  // Items that only fail together are not found one by one: then an empty block is the safe way on.
  try {
    return { output: build(rest), poison };
  } catch {
    return { output: build([]), poison: items };
  }
}

function culprits<Item>(items: readonly Item[], build: (items: readonly Item[]) => unknown): readonly Item[] {
  try {
    build(items);
    return [];
  } catch {
    if (items.length === 1) return items;
  }
  const middle = items.length >> 1;
  return [...culprits(items.slice(0, middle), build), ...culprits(items.slice(middle), build)];
}
