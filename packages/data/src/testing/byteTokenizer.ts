/** @file A stand-in tokenizer for tests: an id is a UTF-8 byte, 256 separates documents. */
import type { ShardTokenizer } from '../shardTokenizer.js';

/** For worker threads, which open their tokenizer by a module's function. */
export function openByteTokenizer(): ShardTokenizer {
  return byteTokenizer;
}

export const byteTokenizer: ShardTokenizer & { decode(tokens: Uint16Array): string } = {
  id: 'bytes',
  vocab: 257,
  separator: 256,
  encode: (text) => Uint16Array.from(Buffer.from(text)),
  decode: (tokens) => Buffer.from(tokens).toString(),
};
