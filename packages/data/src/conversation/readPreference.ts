/**
 * @file Preferences as they are published → a common prompt and two answers. `chosen` and `rejected` are texts, lists of
 * messages that continue `prompt`, or whole conversations that hold it; `prompt` is a text, a list of messages, or absent
 * when both lists begin alike. What is left of each after the common beginning must be one message of the assistant.
 */
import { HALF_PAIR, isWellFormed } from '../sources/isWellFormed.js';
import type { ChatMessage } from './chatTemplate.js';
import { isObject, type NoConversation, readMessages } from './readMessages.js';

export interface Preference {
  readonly prompt: readonly ChatMessage[];
  readonly chosen: string;
  readonly rejected: string;
}

export function readPreference(record: unknown): Preference | NoConversation {
  if (!isObject(record)) return { reason: 'no JSON object' };
  const prompt = readPrompt(record['prompt'] ?? record['question'] ?? record['messages'], record);
  if ('reason' in prompt) return prompt;
  const [chosen, rejected] = [
    side(record, 'chosen', prompt.messages),
    side(record, 'rejected', prompt.messages),
  ];
  if ('reason' in chosen) return chosen;
  if ('reason' in rejected) return rejected;
  return compared(chosen.messages, rejected.messages);
}

type Messages = { readonly messages: readonly ChatMessage[] };

function readPrompt(value: unknown, record: Readonly<Record<string, unknown>>): Messages | NoConversation {
  const system = record['system'];
  const first: ChatMessage[] =
    typeof system === 'string' && system.trim() !== '' ? [{ role: 'system', content: system }] : [];
  if (value === undefined || value === null) return { messages: [] };
  if (typeof value === 'string')
    return value.trim() === ''
      ? { reason: 'the prompt has no text' }
      : { messages: [...first, { role: 'user', content: value }] };
  if (!Array.isArray(value)) return { reason: "'prompt' is neither a text nor a list of messages" };
  const messages = readMessages(value);
  return Array.isArray(messages) ? { messages } : messages;
}

function side(
  record: Readonly<Record<string, unknown>>,
  name: 'chosen' | 'rejected',
  prompt: readonly ChatMessage[],
): Messages | NoConversation {
  const value = record[name];
  if (typeof value === 'string')
    return value.trim() === ''
      ? { reason: `'${name}' has no text` }
      : { messages: [...prompt, { role: 'assistant', content: value }] };
  if (!Array.isArray(value)) return { reason: `'${name}' is neither a text nor a list of messages` };
  const messages = readMessages(value);
  if (!Array.isArray(messages)) return { reason: `'${name}': ${messages.reason}` };
  const user = prompt.findIndex(({ role }) => role === 'user');
  const holdsPrompt = user >= 0 && messages.some((message) => isEqual(message, prompt[user]!));
  return { messages: holdsPrompt ? messages : [...prompt, ...messages] };
}

function compared(
  chosen: readonly ChatMessage[],
  rejected: readonly ChatMessage[],
): Preference | NoConversation {
  if (chosen.length !== rejected.length)
    return { reason: 'the two conversations differ in more than one answer' };
  const last = chosen.length - 1;
  const prompt = chosen.slice(0, last);
  if (!prompt.every((message, i) => isEqual(message, rejected[i]!)))
    return { reason: 'the two conversations differ before their last answer' };
  if (!prompt.some(({ role }) => role === 'user')) return { reason: 'there is no prompt' };
  const [good, bad] = [chosen[last]!, rejected[last]!];
  if (good.role !== 'assistant' || bad.role !== 'assistant')
    return { reason: 'the last message is not an answer' };
  if (good.content.trim() === bad.content.trim()) return { reason: 'the two answers are the same' };
  if (![...prompt, good, bad].every(({ content }) => isWellFormed(content))) return { reason: HALF_PAIR };
  return { prompt, chosen: good.content, rejected: bad.content };
}

function isEqual(a: ChatMessage, b: ChatMessage): boolean {
  return a.role === b.role && a.content.trim() === b.content.trim();
}
