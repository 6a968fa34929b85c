/** @file The messages of the completion routes, as OpenAI's clients expect them: one answer, or a stream of chunks. */
import { randomUUID } from 'node:crypto';
import type { CompletionRequest } from './completionRequest.js';
import { fingerprint, type ModelCard, modelId } from './ModelCard.js';
import type { WriteAnswer } from './writeText.js';

export interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
}

export interface Choice {
  readonly index: number;
  readonly text: string;
  readonly finish: WriteAnswer['finish'];
}

export class CompletionAnswer {
  readonly #kind: CompletionRequest['kind'];
  readonly #head: { id: string; created: number; model: string; system_fingerprint: string };

  constructor(kind: CompletionRequest['kind'], card: ModelCard, nowMs: number) {
    this.#kind = kind;
    this.#head = {
      id: `${kind === 'chat' ? 'chatcmpl' : 'cmpl'}-${randomUUID()}`,
      ...{ created: Math.floor(nowMs / 1000), model: modelId(card), system_fingerprint: fingerprint(card) },
    };
  }

  whole(choices: readonly Choice[], usage: Usage): unknown {
    const isChat = this.#kind === 'chat';
    return {
      ...{ ...this.#head, object: isChat ? 'chat.completion' : 'text_completion' },
      choices: choices.map(({ index, text, finish }) => ({
        ...{ index, finish_reason: finish, logprobs: null },
        ...(isChat ? { message: { role: 'assistant', content: text, refusal: null } } : { text }),
      })),
      usage,
    };
  }

  /** The first chunk of a choice: whose turn it is. Completions have none. */
  opening(index: number): unknown[] {
    return this.#kind === 'chat'
      ? [this.#chunk([{ index, delta: { role: 'assistant', content: '' }, ...OPEN }])]
      : [];
  }

  piece(index: number, text: string): unknown {
    return this.#chunk([
      this.#kind === 'chat' ? { index, delta: { content: text }, ...OPEN } : { index, text, ...OPEN },
    ]);
  }

  closing(index: number, finish: WriteAnswer['finish']): unknown {
    const end = { finish_reason: finish, logprobs: null };
    return this.#chunk([this.#kind === 'chat' ? { index, delta: {}, ...end } : { index, text: '', ...end }]);
  }

  usage(usage: Usage): unknown {
    return { ...(this.#chunk([]) as object), usage };
  }

  #chunk(choices: readonly object[]): unknown {
    const object = this.#kind === 'chat' ? 'chat.completion.chunk' : 'text_completion';
    return { ...this.#head, object, choices };
  }
}

const OPEN = { finish_reason: null, logprobs: null } as const;

/** A prompt that several texts answer is read, and counted, once for each. */
export function usageOf(answers: readonly WriteAnswer[]): Usage {
  const sum = (of: (answer: WriteAnswer) => number): number => answers.reduce((total, a) => total + of(a), 0);
  const [prompt_tokens, completion_tokens] = [sum((a) => a.promptTokens), sum((a) => a.completionTokens)];
  return { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens };
}
