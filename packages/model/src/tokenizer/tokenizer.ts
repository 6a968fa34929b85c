/**
 * @file What the project needs from a tokenizer: text to token ids of two bytes and back, and one id that separates
 * documents. A dataset, a model and a running network name the tokenizer by `id`; equal ids mean equal tables.
 */

/** A fixed mapping between text and token ids below `vocab`. It has no settings and never learns. */
export interface Tokenizer {
  readonly id: string;
  /** Number of ids, the separator among them; at most 65,536, so that an id fits two bytes (DATA-1). */
  readonly vocab: number;
  /** The id put after each document. Encoding never makes it, whatever the text says. */
  readonly separator: number;
  /** The ids of `text`. A lone surrogate, which UTF-8 cannot hold, is encoded as U+FFFD. */
  encode(text: string): Uint16Array;
  /**
   * The text of `tokens`; `decode(encode(text)) === text` for every well-formed text. Bytes that are not UTF-8 (a
   * character cut in two) become U+FFFD; the separator becomes `<|endoftext|>`. Throws `TOKEN_OUT_OF_RANGE`.
   */
  decode(tokens: ArrayLike<number>): string;
}
