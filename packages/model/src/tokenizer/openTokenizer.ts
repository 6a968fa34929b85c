/**
 * @file Tokenizers by id. `gpt2` is GPT-2's own (r50k_base, 50,257 ids), for the large models and whatever must fit
 * other GPT-2 software. `gpt2-N` is the same table cut after its first N − 1 byte strings, the separator as id N − 1:
 * **the vocabulary of the small presets**. Ranks are the order in which GPT-2's merges were learned and the first 256
 * are the single bytes, so every prefix is itself a complete byte-pair tokenizer that encodes any text. Why: with
 * 50,257 ids, the embedding and head of a small model would hold nearly all its weights, most ids would hardly occur in
 * a small corpus, and the loss over the vocabulary would cost more than the layers. Nothing is learned from our data.
 */
import { bytePairTokenizer } from './bytePairTokenizer.js';
import { loadRankTable, RANK_COUNT } from './rankTable.js';
import type { Tokenizer } from './tokenizer.js';
import { TokenizerError } from './tokenizerError.js';

const SMALLEST_VOCAB = 1024;
const GPT2_VOCAB = RANK_COUNT + 1;

/**
 * Opens `gpt2` or `gpt2-N` (1024 ≤ N < 50,257); all work is done here, the tokenizer itself is synchronous.
 * Throws `TOKENIZER_UNKNOWN`, `TOKENIZER_TABLE_MISMATCH`. Cost: about 0.2 s and 20 MB.
 */
export async function openTokenizer(id: string): Promise<Tokenizer> {
  return bytePairTokenizer(id, await loadRankTable(vocabOf(id) - 1));
}

/** The number of ids a tokenizer id stands for, without loading anything. Throws `TOKENIZER_UNKNOWN`. */
export function vocabOf(id: string): number {
  if (id === 'gpt2') return GPT2_VOCAB;
  const [, digits] = /^gpt2-([1-9]\d{3,4})$/.exec(id) ?? [];
  const vocab = Number(digits);
  if (vocab >= SMALLEST_VOCAB && vocab < GPT2_VOCAB) return vocab;
  throw new TokenizerError(
    { code: 'TOKENIZER_UNKNOWN', id },
    `there is no tokenizer '${id}': use 'gpt2', or 'gpt2-N' with N from ${SMALLEST_VOCAB} to ${GPT2_VOCAB - 1}`,
  );
}
