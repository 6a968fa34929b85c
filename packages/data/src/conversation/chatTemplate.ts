/**
 * @file The one chat template of the project: how a conversation becomes tokens, for training and for asking alike. A turn
 * is its role's header ("User:\n"), its text without white space at the ends, and the tokenizer's separator. Text can never
 * encode to the separator, and a header counts only at the beginning or after one: no message can forge a turn. Headers
 * and texts are encoded apart, so a conversation's beginning always has the same tokens. `mask` marks what is learned:
 * the assistant's texts and the separators after them.
 */
import { DataError } from '../errors.js';
import type { ShardTokenizer } from '../shardTokenizer.js';

/** Changes whenever a conversation would give other tokens; stands in manifests. */
export const CHAT_TEMPLATE = 'alice-chat-1';

export const CHAT_ROLES = ['system', 'user', 'assistant'] as const;
export type ChatRole = (typeof CHAT_ROLES)[number];

export interface ChatMessage {
  readonly role: ChatRole;
  readonly content: string;
}

export interface ChatTokens {
  readonly tokens: Uint16Array;
  /** As long as `tokens`; 1 where predicting this token is learned, else 0. */
  readonly mask: Uint8Array;
}

export type ChatTokenizer = Pick<ShardTokenizer, 'encode' | 'separator'>;

const HEADERS: Readonly<Record<ChatRole, string>> = {
  system: 'System:\n',
  user: 'User:\n',
  assistant: 'Assistant:\n',
};

/** The same template for programs that read a model's own (Jinja); `<|endoftext|>` is the separator's text. */
export const CHAT_TEMPLATE_JINJA =
  "{% for message in messages %}{{ message['role'] | capitalize }}:\n{{ message['content'] | trim }}<|endoftext|>{% endfor %}" +
  '{% if add_generation_prompt %}Assistant:\n{% endif %}';

/** A whole conversation with its loss mask. Throws `CHAT_INVALID`. */
export function chatTokens(messages: readonly ChatMessage[], tokenizer: ChatTokenizer): ChatTokens {
  checkMessages(messages);
  const pieces = messages.flatMap(({ role, content }) => {
    const isLearned = role === 'assistant';
    return [
      { ids: tokenizer.encode(HEADERS[role]), isLearned: false },
      { ids: tokenizer.encode(content.trim()), isLearned },
      { ids: Uint16Array.of(tokenizer.separator), isLearned },
    ];
  });
  const length = pieces.reduce((sum, { ids }) => sum + ids.length, 0);
  const [tokens, mask] = [new Uint16Array(length), new Uint8Array(length)];
  let at = 0;
  for (const { ids, isLearned } of pieces) {
    tokens.set(ids, at);
    if (isLearned) mask.fill(1, at, at + ids.length);
    at += ids.length;
  }
  return { tokens, mask };
}

/**
 * What a model is given to answer a conversation: all turns and the assistant's header. The answer ends at the
 * separator. Throws `CHAT_INVALID`.
 */
export function chatPromptTokens(messages: readonly ChatMessage[], tokenizer: ChatTokenizer): Uint16Array {
  return joined(chatTokens(messages, tokenizer).tokens, tokenizer.encode(HEADERS.assistant));
}

/** The tokens of one answer as they follow `chatPromptTokens`: its text and the separator. */
export function chatAnswerTokens(answer: string, tokenizer: ChatTokenizer): Uint16Array {
  return joined(tokenizer.encode(answer.trim()), Uint16Array.of(tokenizer.separator));
}

/** Throws `CHAT_INVALID` unless there is a message and each has a known role and a text. */
export function checkMessages(messages: readonly ChatMessage[]): void {
  if (messages.length === 0) throw invalid('there is no message');
  for (const [i, { role, content }] of messages.entries()) {
    if (!CHAT_ROLES.includes(role))
      throw invalid(
        `message ${i} has the role '${String(role).slice(0, 40)}', not one of ${CHAT_ROLES.join(', ')}`,
      );
    if (typeof content !== 'string' || content.trim() === '') throw invalid(`message ${i} has no text`);
  }
}

function invalid(reason: string): DataError {
  return new DataError({ code: 'CHAT_INVALID', reason }, `this is no conversation: ${reason}`);
}

function joined(a: Uint16Array, b: Uint16Array): Uint16Array {
  const both = new Uint16Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
