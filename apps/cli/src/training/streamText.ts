/** @file Tokens to text as they come: a character whose bytes lie in several tokens is held back until it is whole. */
import type { Tokenizer } from '@alice/model';

/** No UTF-8 character has more bytes, so what is still broken after this many tokens stays broken. */
const LONGEST_CHARACTER = 4;

export interface TextStream {
  /** The text that is certain now; may be empty. */
  push(token: number): string;
  /** What was held back. */
  end(): string;
}

export function streamText(tokenizer: Pick<Tokenizer, 'decode'>): TextStream {
  let held: number[] = [];
  const flush = (): string => {
    const text = tokenizer.decode(held);
    held = [];
    return text;
  };
  return {
    push(token) {
      held.push(token);
      const broken = tokenizer.decode(held).endsWith('\ufffd');
      return broken && held.length < LONGEST_CHARACTER ? '' : flush();
    },
    end: flush,
  };
}
