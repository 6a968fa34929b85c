/** @file The coded errors of tokenizers. */
import { CodedError } from '@alice/protocol';

export type TokenizerErrorInfo =
  /** The id names no tokenizer: use `gpt2`, or `gpt2-N` with N in the bounds the message gives. */
  | { readonly code: 'TOKENIZER_UNKNOWN'; readonly id: string }
  /** The installed rank table is not the published one: reinstall the packages. */
  | { readonly code: 'TOKENIZER_TABLE_MISMATCH'; readonly expected: string; readonly actual: string }
  /** An id at or above the vocabulary: the tokens were made with another tokenizer. */
  | {
      readonly code: 'TOKEN_OUT_OF_RANGE';
      readonly tokenizer: string;
      readonly position: number;
      readonly token: number;
      readonly vocab: number;
    };

export class TokenizerError extends CodedError<TokenizerErrorInfo> {
  override name = 'TokenizerError';
}
