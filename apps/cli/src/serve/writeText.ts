/** @file Writes one text with a loaded model: prompt to tokens, tokens to text, stop strings, and why it ended. */
import { chatPromptTokens } from '@alice/data';
import { continueText, type Tokenizer } from '@alice/model';
import { streamText } from '../training/streamText.js';
import type { ChatMessage, Prompt, Sampling } from './completionRequest.js';
import type { Loaded } from './servedModel.js';
import { invalid, ServeError } from './serveError.js';
import { stopText } from './stopText.js';

export interface WriteRequest {
  readonly id: number;
  readonly prompt: Prompt;
  readonly sampling: Omit<Sampling, 'seed'> & { readonly seed: string };
}

export interface WriteAnswer {
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** `stop`: the text or a stop string ended it; `length`: as long as allowed. */
  readonly finish: 'stop' | 'length';
}

export interface WritePorts {
  onStart(promptTokens: number): void;
  onPiece(text: string): void;
  isStopped(): boolean;
}

/** Throws `context_length_exceeded`, `invalid_request`. A text given up ends early, as if it were finished. */
export async function writeText(
  { config, tokenizer, decoder }: Pick<Loaded, 'config' | 'tokenizer' | 'decoder'>,
  { prompt, sampling }: WriteRequest,
  ports: WritePorts,
): Promise<WriteAnswer> {
  const tokens = promptTokens(prompt, tokenizer, { ...config, maxTokens: sampling.maxTokens });
  ports.onStart(tokens.length);
  const stream = streamText(tokenizer);
  const stop = stopText(sampling.stop);
  const end = new AbortController();
  let made = 0;
  let hasWords = false;
  const emit = (text: string): void => {
    if (text === '') return;
    hasWords ||= text.trim() !== '';
    ports.onPiece(text);
  };
  await continueText(decoder, config, {
    ...{ ...sampling, prompt: tokens, stopToken: tokenizer.separator, signal: end.signal },
    topP: Math.max(sampling.topP, Number.MIN_VALUE),
    // A young model often ends at once; nobody in a conversation is answered with nothing.
    mayStop: (count) => count >= sampling.minTokens && (hasWords || prompt.kind !== 'chat'),
    onToken: (token) => {
      made++;
      emit(stop.push(stream.push(token)));
      if (stop.isStopped || ports.isStopped()) end.abort();
    },
  });
  emit(stop.push(stream.end()));
  emit(stop.end());
  const finish = made >= sampling.maxTokens && !stop.isStopped ? 'length' : 'stop';
  return { promptTokens: tokens.length, completionTokens: made, finish };
}

interface Room {
  readonly context: number;
  readonly vocab: number;
  readonly maxTokens: number;
}

function promptTokens(prompt: Prompt, tokenizer: Tokenizer, room: Room): ArrayLike<number> {
  if (prompt.kind === 'chat') return chatTokensThatFit(prompt.messages, tokenizer, room);
  const tokens = prompt.kind === 'tokens' ? prompt.tokens : tokenizer.encode(prompt.text);
  if (tokens.length > room.context)
    throw new ServeError(
      {
        code: 'context_length_exceeded',
        param: 'prompt',
        promptTokens: tokens.length,
        context: room.context,
      },
      `the prompt has ${tokens.length} tokens; this model reads at most ${room.context}`,
    );
  const wrong = Array.from(tokens).find((token) => token >= room.vocab);
  if (wrong !== undefined)
    throw invalid('prompt', `token ${wrong} is not below the vocabulary of ${room.vocab}`);
  return tokens.length > 0 ? tokens : [tokenizer.separator]; // an empty text starts like a new document
}

/**
 * A conversation outgrows a small context soon: the oldest turns after the system's are forgotten until half the context
 * or the answer's length is free, then the beginning of what is left.
 */
function chatTokensThatFit(
  messages: readonly ChatMessage[],
  tokenizer: Tokenizer,
  { context, maxTokens }: Room,
): ArrayLike<number> {
  const limit = context - Math.min(maxTokens, Math.floor(context / 2));
  const system = messages.filter(({ role }) => role === 'system');
  const turns = messages.filter(({ role }) => role !== 'system');
  for (let from = 0; ; from++) {
    const kept = [...system, ...turns.slice(from)].filter(({ content }) => content.trim() !== '');
    if (kept.length === 0) throw invalid('messages', 'no message has a text');
    const tokens = chatPromptTokens(kept, tokenizer);
    if (tokens.length <= limit || from >= turns.length - 1) return tokens.slice(-limit);
  }
}
