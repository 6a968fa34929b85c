/**
 * @file Ends a growing text at the first of some strings, which is not part of it. What might yet become one of them is
 * held back, so that no reader ever sees its beginning.
 */

export interface StopText {
  /** What may be shown now. After a stop has been met: nothing more. */
  push(piece: string): string;
  /** What was held back, once nothing more comes. */
  end(): string;
  readonly isStopped: boolean;
}

export function stopText(stops: readonly string[]): StopText {
  let held = '';
  let isStopped = false;
  return {
    push(piece) {
      if (isStopped) return '';
      held += piece;
      const at = Math.min(...stops.map((stop) => indexOr(held.indexOf(stop))));
      isStopped = Number.isFinite(at);
      const end = isStopped ? at : held.length - longestBeginning(held, stops);
      const shown = held.slice(0, end);
      held = isStopped ? '' : held.slice(end);
      return shown;
    },
    end() {
      const rest = held;
      held = '';
      return rest;
    },
    get isStopped() {
      return isStopped;
    },
  };
}

const indexOr = (index: number): number => (index < 0 ? Number.POSITIVE_INFINITY : index);

/** Length of the longest end of `text` with which one of `stops` begins. */
function longestBeginning(text: string, stops: readonly string[]): number {
  let longest = 0;
  for (const stop of stops)
    for (let length = Math.min(stop.length - 1, text.length); length > longest; length--)
      if (text.endsWith(stop.slice(0, length))) longest = length;
  return longest;
}
