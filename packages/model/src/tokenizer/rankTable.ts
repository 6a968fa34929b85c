/**
 * @file GPT-2's byte-pair table: the byte string of each rank. The bytes come from the `js-tiktoken` package and are
 * compared with the hash OpenAI publishes for `r50k_base.tiktoken`, so that a changed package can never change a
 * network's vocabulary unnoticed. Loaded on demand: the table is half a megabyte of text.
 */
import { sha256Hex, utf8 } from '@alice/protocol';
import { TokenizerError } from './tokenizerError.js';

/** Number of byte strings in the table; GPT-2's vocabulary has one id more, the separator. */
export const RANK_COUNT = 50_256;

const PUBLISHED_HASH = '0x306cd27f03c1a714eca7108e03d66b7dc042abe8c258b44c199a7ed9838dd930';

/**
 * The first `count` byte strings in rank order, one character (0–255) per byte. The first 256 are the single bytes.
 * Throws `TOKENIZER_TABLE_MISMATCH`.
 */
export async function loadRankTable(count: number): Promise<string[]> {
  const { default: encoder } = await import('js-tiktoken/ranks/r50k_base');
  // One line: "! <first rank> <base64> <base64> …".
  const encoded = encoder.bpe_ranks.trim().split(' ').slice(2);
  const published = encoded.map((text, rank) => `${text} ${rank}\n`).join('');
  const actual = sha256Hex(utf8.encode(published));
  if (actual !== PUBLISHED_HASH)
    throw new TokenizerError(
      { code: 'TOKENIZER_TABLE_MISMATCH', expected: PUBLISHED_HASH, actual },
      "the installed package 'js-tiktoken' does not hold GPT-2's published table: run `npm ci` again",
    );
  return encoded.slice(0, count).map((text) => atob(text));
}
