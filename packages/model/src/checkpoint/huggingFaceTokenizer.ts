/** @file The tokenizer as Hugging Face's `tokenizers` reads it: byte-level byte-pair encoding with GPT-2's cut of text. */
import { type ByteLevelTable, SEPARATOR_TEXT } from './byteLevelTable.js';

/** Texts of `tokenizer.json` and `tokenizer_config.json`, by file name. */
export function huggingFaceTokenizer(table: ByteLevelTable, context: number): Record<string, string> {
  return {
    'tokenizer.json': `${JSON.stringify(tokenizerContent(table))}\n`,
    'tokenizer_config.json': `${JSON.stringify(settingsContent(context), null, 2)}\n`,
  };
}

function tokenizerContent({ tokens, merges, separator }: ByteLevelTable): unknown {
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [
      {
        id: separator,
        content: SEPARATOR_TEXT,
        single_word: false,
        lstrip: false,
        rstrip: false,
        normalized: false,
        special: true,
      },
    ],
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: null,
    decoder: byteLevel,
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: '',
      end_of_word_suffix: '',
      fuse_unk: false,
      byte_fallback: false,
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges,
    },
  };
}

function settingsContent(context: number): unknown {
  return {
    tokenizer_class: 'PreTrainedTokenizerFast',
    model_max_length: context,
    bos_token: SEPARATOR_TEXT,
    eos_token: SEPARATOR_TEXT,
    clean_up_tokenization_spaces: false,
  };
}
