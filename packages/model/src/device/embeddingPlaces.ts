/**
 * @file Where the rows of an embedding's gradient go, found here so that the device need not add into places atomically:
 * equal tokens get one slot, and each slot is a token of its own. The order of sums is then that of a product.
 */

export interface EmbeddingPlaces {
  /** Slot of each position, below the number of slots. */
  readonly slots: Int32Array;
  /** Token of each slot: all different. Slots no position has are given to tokens that do not occur. */
  readonly tokens: Int32Array;
}

/** As many slots as there can be different tokens among so many positions. */
export function slotCount(positions: number, vocab: number): number {
  return Math.min(positions, vocab);
}

export function embeddingPlaces(inputs: Int32Array, vocab: number): EmbeddingPlaces {
  const slotOf = new Map<number, number>();
  const slots = inputs.map((token) => {
    const slot = slotOf.get(token) ?? slotOf.size;
    slotOf.set(token, slot);
    return slot;
  });
  const tokens = new Int32Array(slotCount(inputs.length, vocab));
  tokens.set([...slotOf.keys()]);
  for (let slot = slotOf.size, token = 0; slot < tokens.length; token++)
    if (!slotOf.has(token)) tokens[slot++] = token;
  return { slots, tokens };
}
