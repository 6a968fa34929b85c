/**
 * @file Conversations as they are published → messages. Known shapes of a record: `messages` (or `conversation`) of
 * {role, content}, as the OpenAI interface takes them; `conversations` of {from, value} (ShareGPT); and pairs of fields:
 * prompt/response, prompt/completion, question/answer, instruction/output (with `input`, Alpaca). Nothing is guessed
 * beyond these: a record of another shape, or with an unknown role, is refused with its reason.
 */
import { HALF_PAIR, isWellFormed } from '../sources/isWellFormed.js';
import type { ChatMessage, ChatRole } from './chatTemplate.js';

export interface NoConversation {
  readonly reason: string;
}

const ROLES: ReadonlyMap<string, ChatRole> = new Map([
  ['system', 'system'],
  ['developer', 'system'],
  ['user', 'user'],
  ['human', 'user'],
  ['prompter', 'user'],
  ['assistant', 'assistant'],
  ['gpt', 'assistant'],
  ['chatgpt', 'assistant'],
  ['bot', 'assistant'],
  ['model', 'assistant'],
]);

const LISTS = ['messages', 'conversations', 'conversation'] as const;

/** Field of what is asked, field of the answer. */
const PAIRS = [
  ['prompt', 'response'],
  ['prompt', 'completion'],
  ['question', 'answer'],
  ['instruction', 'output'],
] as const;

/** The messages of a record from which there is something to learn. */
export function readConversation(record: unknown): ChatMessage[] | NoConversation {
  const messages = messagesOfRecord(record);
  if (!Array.isArray(messages)) return messages;
  const first = messages.findIndex(({ role }) => role === 'assistant');
  if (first < 0) return { reason: 'the assistant says nothing' };
  if (!messages.slice(0, first).some(({ role }) => role === 'user'))
    return { reason: 'the assistant speaks before the user' };
  return messages;
}

function messagesOfRecord(record: unknown): ChatMessage[] | NoConversation {
  if (!isObject(record)) return { reason: 'no JSON object' };
  for (const name of LISTS) if (Array.isArray(record[name])) return readMessages(record[name]);
  for (const [asked, answered] of PAIRS) {
    const [question, answer] = [record[asked], record[answered]];
    if (typeof question !== 'string' || typeof answer !== 'string') continue;
    const more = typeof record['input'] === 'string' ? record['input'].trim() : '';
    const system = record['system'] ?? record['system_prompt'];
    return checked([
      ...(typeof system === 'string' && system.trim() !== ''
        ? [{ role: 'system', content: system } as const]
        : []),
      { role: 'user', content: more === '' ? question : `${question.trim()}\n\n${more}` },
      { role: 'assistant', content: answer },
    ]);
  }
  return {
    reason: 'none of the known shapes (messages, conversations, prompt and response, question and answer …)',
  };
}

/** A list of messages in either notation. */
export function readMessages(list: readonly unknown[]): ChatMessage[] | NoConversation {
  if (list.length === 0) return { reason: 'no message' };
  const messages: ChatMessage[] = [];
  for (const [i, entry] of list.entries()) {
    if (!isObject(entry)) return { reason: `message ${i} is no object` };
    const name = entry['role'] ?? entry['from'];
    const role = typeof name === 'string' ? ROLES.get(name.toLowerCase()) : undefined;
    if (role === undefined)
      return { reason: `message ${i} has the unknown role ${JSON.stringify(name)?.slice(0, 40)}` };
    const content = textOf(entry['content'] ?? entry['value']);
    if (content === null) return { reason: `message ${i} has no text` };
    messages.push({ role, content });
  }
  return checked(messages);
}

/** A text, or the joined texts of a list of parts that are all texts. */
function textOf(content: unknown): string | null {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return null;
  const parts = content.map((part: unknown) =>
    isObject(part) && part['type'] === 'text' && typeof part['text'] === 'string' ? part['text'] : null,
  );
  return parts.includes(null) ? null : parts.join('');
}

function checked(messages: ChatMessage[]): ChatMessage[] | NoConversation {
  const empty = messages.findIndex(({ content }) => content.trim() === '');
  if (empty >= 0) return { reason: `message ${empty} has no text` };
  return messages.every(({ content }) => isWellFormed(content)) ? messages : { reason: HALF_PAIR };
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
