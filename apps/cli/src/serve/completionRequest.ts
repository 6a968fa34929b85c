/**
 * @file The bodies of `/v1/completions` and `/v1/chat/completions`, checked. A parameter that would change the text and
 * cannot be honoured is refused by name rather than ignored; parameters that only describe the caller are ignored.
 */
import { Fields } from './Fields.js';
import { invalid, ServeError } from './serveError.js';

export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

export type Prompt =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'tokens'; readonly tokens: readonly number[] }
  | { readonly kind: 'chat'; readonly messages: readonly ChatMessage[] };

export interface Sampling {
  readonly maxTokens: number;
  /** Not OpenAI's, but known to many clients; the model does not end the text before as many tokens. */
  readonly minTokens: number;
  readonly temperature: number;
  readonly topP: number;
  /** Not OpenAI's, but known to many clients; 0: all. */
  readonly topK: number;
  /** The same seed gives the same text; without it each text is another. */
  readonly seed: number | undefined;
  readonly stop: readonly string[];
}

export interface CompletionRequest {
  readonly kind: 'text' | 'chat';
  readonly model: string;
  readonly prompts: readonly Prompt[];
  /** Texts for each prompt. */
  readonly n: number;
  readonly sampling: Sampling;
  readonly stream: boolean;
  readonly includeUsage: boolean;
}

const MAX_CHOICES = 8;
const MAX_STOPS = 4;
const MAX_STOP_LENGTH = 256;
const DEFAULT_TOKENS = { text: 16, chat: 256 } as const;

/** Values that ask for nothing; any other value of these is refused. */
const UNSUPPORTED: Readonly<Record<string, readonly unknown[]>> = {
  logprobs: [null, false, 0],
  top_logprobs: [null, 0],
  suffix: [null, ''],
  echo: [null, false],
  best_of: [null, 1],
  frequency_penalty: [null, 0],
  presence_penalty: [null, 0],
  logit_bias: [null],
  tools: [null],
  functions: [null],
  audio: [null],
  response_format: [null],
};

/** Throws `invalid_request`, `unsupported_parameter`. `maxTokens` is the most a request may ask for. */
export function parseCompletion(
  kind: 'text' | 'chat',
  body: unknown,
  { maxTokens }: { maxTokens: number },
): CompletionRequest {
  const fields = new Fields(body);
  refuseUnsupported(fields);
  const prompts = kind === 'chat' ? [chatPrompt(fields)] : textPrompts(fields);
  const n = fields.integer('n', { min: 1, max: MAX_CHOICES }) ?? 1;
  if (prompts.length * n > MAX_CHOICES)
    throw invalid('n', `at most ${MAX_CHOICES} texts are made for one request`);
  const limit = { min: 1, max: maxTokens };
  const mostTokens =
    fields.integer('max_completion_tokens', limit) ??
    fields.integer('max_tokens', limit) ??
    Math.min(maxTokens, DEFAULT_TOKENS[kind]);
  return {
    kind,
    model: fields.text('model') ?? '',
    prompts,
    n,
    sampling: {
      maxTokens: mostTokens,
      minTokens: fields.integer('min_tokens', { min: 0, max: mostTokens }) ?? 0,
      temperature: fields.number('temperature', { min: 0, max: 2 }) ?? 1,
      topP: fields.number('top_p', { min: 0, max: 1 }) ?? 1,
      topK: fields.integer('top_k', { min: 0, max: 65_536 }) ?? 0,
      seed: fields.integer('seed', { min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER }),
      stop: stops(fields),
    },
    stream: fields.boolean('stream') ?? false,
    includeUsage: fields.object('stream_options')?.boolean('include_usage') ?? false,
  };
}

function refuseUnsupported(fields: Fields): void {
  for (const [param, harmless] of Object.entries(UNSUPPORTED)) {
    const value = fields.value(param);
    if (value === undefined || harmless.includes(value) || isEmpty(value)) continue;
    if (param === 'response_format' && fields.object(param)?.text('type') === 'text') continue;
    throw new ServeError({ code: 'unsupported_parameter', param }, `${param} is not supported: leave it out`);
  }
}

const isEmpty = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.keys(value).length === 0;

function stops(fields: Fields): string[] {
  const value = fields.value('stop') ?? [];
  const list = typeof value === 'string' ? [value] : value;
  const isGood = (stop: unknown): boolean =>
    typeof stop === 'string' && stop.length > 0 && stop.length <= MAX_STOP_LENGTH;
  if (Array.isArray(list) && list.length <= MAX_STOPS && list.every(isGood)) return list as string[];
  throw invalid('stop', `stop takes up to ${MAX_STOPS} strings of 1 to ${MAX_STOP_LENGTH} characters`);
}

/** A text, token ids, or a list of either. */
function textPrompts(fields: Fields): Prompt[] {
  const value = fields.value('prompt') ?? '';
  if (typeof value === 'string') return [{ kind: 'text', text: value }];
  if (isTokens(value)) return [{ kind: 'tokens', tokens: value }];
  if (Array.isArray(value) && value.length > 0 && value.length <= MAX_CHOICES) {
    if (value.every((text) => typeof text === 'string')) return value.map((text) => ({ kind: 'text', text }));
    if (value.every(isTokens)) return value.map((tokens) => ({ kind: 'tokens', tokens }));
  }
  throw invalid('prompt', `prompt takes a text, token ids, or up to ${MAX_CHOICES} of either`);
}

const isTokens = (value: unknown): value is number[] =>
  Array.isArray(value) && value.length > 0 && value.every((id) => Number.isInteger(id) && id >= 0);

const ROLES: Readonly<Record<string, ChatMessage['role']>> = {
  system: 'system',
  developer: 'system',
  user: 'user',
  assistant: 'assistant',
};

function chatPrompt(fields: Fields): Prompt {
  const list = fields.value('messages');
  if (!Array.isArray(list) || list.length === 0)
    throw invalid('messages', 'messages takes a list of {"role", "content"} with at least one entry');
  const messages = list.map((entry, i): ChatMessage => {
    const at = `messages[${i}]`;
    const message = new Fields(entry, at);
    const role = message.text('role') ?? '';
    if (!Object.hasOwn(ROLES, role))
      throw invalid(`${at}.role`, `${at}.role takes one of ${Object.keys(ROLES).join(', ')}, not "${role}"`);
    return { role: ROLES[role]!, content: contentOf(message.value('content'), `${at}.content`) };
  });
  return { kind: 'chat', messages };
}

/** A text, or a list of parts that are all text. */
function contentOf(value: unknown, at: string): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value))
    return value
      .map((part, i) => {
        const fields = new Fields(part, `${at}[${i}]`);
        const text = fields.text('type') === 'text' ? fields.text('text') : undefined;
        if (text === undefined)
          throw invalid(`${at}[${i}]`, `${at}[${i}] is not text: this model reads text only`);
        return text;
      })
      .join('');
  throw invalid(at, `${at} takes a text`);
}
