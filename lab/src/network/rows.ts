/** @file Rows of token ids as the lab handles them: joined and picked. */

export function concatRows(parts: readonly Uint16Array[]): Uint16Array {
  const joined = new Uint16Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** The rows at the given places, in that order. */
export function pickRows(rows: Uint16Array, places: readonly number[], rowLength: number): Uint16Array {
  return concatRows(places.map((place) => rows.subarray(place * rowLength, (place + 1) * rowLength)));
}
