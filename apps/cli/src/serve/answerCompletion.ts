/** @file One completion request from checked body to last byte: waits for a thread, writes each text, streams or collects. */
import type { ServerResponse } from 'node:http';
import { type Choice, CompletionAnswer, usageOf } from './completionAnswer.js';
import type { CompletionRequest, Prompt } from './completionRequest.js';
import type { InferenceThread } from './InferenceThread.js';
import { openAiError } from './serveError.js';
import type { WriteAnswer } from './writeText.js';

/** The part of a thread a request needs. */
export type Author = Pick<InferenceThread, 'load' | 'write'>;

interface Exchange {
  readonly response: ServerResponse;
  readonly signal: AbortSignal;
  readonly nowMs: () => number;
}

/** Throws before the first byte has been sent; after it, an error is the stream's last event. */
export async function answerCompletion(
  request: CompletionRequest,
  author: Author,
  exchange: Exchange,
): Promise<void> {
  const answer = new CompletionAnswer(request.kind, await author.load(), exchange.nowMs());
  const tasks = request.prompts.flatMap((prompt) => Array<Prompt>(request.n).fill(prompt));
  if (request.stream) await streamTexts({ request, tasks, answer, author, ...exchange });
  else await collectTexts({ request, tasks, answer, author, ...exchange });
}

interface Writing extends Exchange {
  readonly request: CompletionRequest;
  readonly tasks: readonly Prompt[];
  readonly answer: CompletionAnswer;
  readonly author: Author;
}

async function collectTexts({ request, tasks, answer, author, response, signal }: Writing): Promise<void> {
  const choices: Choice[] = [];
  const answers: WriteAnswer[] = [];
  for (const [index, prompt] of tasks.entries()) {
    let text = '';
    const written = await author.write(prompt, samplingOf(request, index), {
      ...{ signal, onStart: () => undefined, onPiece: (piece) => (text += piece) },
    });
    if (signal.aborted) return;
    answers.push(written);
    choices.push({ index, text: shown(request, text), finish: written.finish });
  }
  sendJson(response, 200, answer.whole(choices, usageOf(answers)));
}

async function streamTexts(writing: Writing): Promise<void> {
  const { request, tasks, answer, author, response, signal } = writing;
  const answers: WriteAnswer[] = [];
  try {
    for (const [index, prompt] of tasks.entries()) {
      const written = await author.write(prompt, samplingOf(request, index), {
        signal,
        onStart: () => {
          openStream(response);
          for (const chunk of answer.opening(index)) sendEvent(response, chunk);
        },
        onPiece: trimmed(request, (piece) => sendEvent(response, answer.piece(index, piece))),
      });
      if (signal.aborted) return;
      answers.push(written);
      sendEvent(response, answer.closing(index, written.finish));
    }
    if (request.includeUsage) sendEvent(response, answer.usage(usageOf(answers)));
    response.end('data: [DONE]\n\n');
  } catch (error) {
    if (!response.headersSent) throw error;
    sendEvent(response, openAiError(error).body);
    response.end();
  }
}

/** Several texts by one seed must not be the same text. */
function samplingOf({ sampling, n }: CompletionRequest, index: number): CompletionRequest['sampling'] {
  const { seed } = sampling;
  return seed === undefined ? sampling : { ...sampling, seed: seed + (index % n) };
}

/** An answer of a conversation carries no white space around it. */
const shown = ({ kind }: CompletionRequest, text: string): string => (kind === 'chat' ? text.trim() : text);

/** The same while it streams: white space is held back until a word follows. */
function trimmed({ kind }: CompletionRequest, send: (piece: string) => void): (piece: string) => void {
  if (kind === 'text') return send;
  let held = '';
  let hasBegun = false;
  return (piece) => {
    const text = held + piece;
    const end = text.trimEnd().length;
    const ready = hasBegun ? text.slice(0, end) : text.slice(0, end).trimStart();
    held = text.slice(end);
    if (ready === '') return;
    hasBegun = true;
    send(ready);
  };
}

function openStream(response: ServerResponse): void {
  if (response.headersSent) return;
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  });
}

function sendEvent(response: ServerResponse, value: unknown): void {
  response.write(`data: ${JSON.stringify(value)}\n\n`);
}

export function sendJson(
  response: ServerResponse,
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  const body = JSON.stringify(value);
  response.writeHead(status, {
    ...{ 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' },
    ...{ 'content-length': Buffer.byteLength(body), ...headers },
  });
  response.end(body);
}
