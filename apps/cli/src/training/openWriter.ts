/** @file A model, its tokenizer and its decoder put together: continues texts one after another, streaming the words. */
import type { Platform } from '@alice/engine';
import {
  type ContinueOptions,
  continueText,
  createDecoder,
  openTokenizer,
  type Tokenizer,
} from '@alice/model';
import type { OpenedModel } from './modelSource.js';
import { streamText } from './streamText.js';

export interface WriteOptions
  extends Pick<ContinueOptions, 'maxTokens' | 'temperature' | 'topK' | 'topP' | 'seed' | 'signal'> {
  readonly show: (text: string) => void;
  /** Ends the text after a line. */
  readonly oneLine?: boolean;
}

export interface Written {
  readonly text: string;
  readonly tokens: number;
  /** After the first token, so without reading the prompt. */
  readonly tokensPerSecond: number;
}

export interface Writer {
  readonly tokenizer: Tokenizer;
  continue(prompt: ArrayLike<number>, options: WriteOptions): Promise<Written>;
  close(): Promise<void>;
}

export async function openWriter(
  model: OpenedModel,
  { threads, platform }: { threads: number; platform?: Platform | undefined },
): Promise<Writer> {
  const tokenizer = await openTokenizer(model.facts.tokenizerId);
  const decoder = createDecoder({
    ...{ config: model.config, parameters: await model.parameters(), threads, platform },
  });
  return {
    tokenizer,
    async continue(prompt, { show, oneLine = false, signal, ...options }) {
      const stream = streamText(tokenizer);
      const lineEnd = new AbortController();
      const signals = [lineEnd.signal, ...(signal ? [signal] : [])];
      let text = '';
      let firstMs: number | undefined;
      const emit = (piece: string): void => {
        text += piece;
        show(piece);
        if (oneLine && text.trimStart().includes('\n')) lineEnd.abort();
      };
      const tokens = await continueText(decoder, model.config, {
        ...options,
        // A text without a beginning starts like a new document.
        prompt: prompt.length > 0 ? prompt : [tokenizer.separator],
        stopToken: tokenizer.separator,
        signal: AbortSignal.any(signals),
        onToken: (token) => {
          firstMs ??= performance.now();
          emit(stream.push(token));
        },
      });
      emit(stream.end());
      const seconds = (performance.now() - (firstMs ?? performance.now())) / 1000;
      const tokensPerSecond = tokens.length > 1 && seconds > 0 ? (tokens.length - 1) / seconds : 0;
      return { text, tokens: tokens.length, tokensPerSecond };
    },
    close: () => decoder.dispose(),
  };
}
