/**
 * @file Which tokens a model of limited context sees of a growing text. When the context is full, the older half of it
 * is forgotten at once and the rest read again: forgetting one token at a time would mean to read all again each time.
 */

/** Index of the first token seen when the last of `length` tokens is read, given where the window began before. */
export function windowStart(length: number, start: number, context: number): number {
  return length - start <= context ? start : length - Math.ceil(context / 2);
}
