/** @file What building shards needs from a tokenizer; the tokenizers of the model package fit. */

export interface ShardTokenizer {
  readonly id: string;
  /** Number of ids, at most 65,536: shards keep 2 bytes a token (DATA-1). */
  readonly vocab: number;
  /** The id put after each document; `encode` never makes it. */
  readonly separator: number;
  encode(text: string): Uint16Array;
}
