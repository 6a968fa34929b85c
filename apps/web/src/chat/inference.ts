/**
 * @file The inference endpoint as the page reaches it: where `page-config.json` says it is, asked in OpenAI's words. Texts
 * arrive piece by piece. Refusals carry the endpoint's own message; nothing is tried again by itself.
 */
import { WebError } from '../errors.js';
import { readEvents } from './readEvents.js';

export interface Message {
  readonly role: 'user' | 'assistant';
  readonly content: string;
}

export interface ServedModel {
  readonly id: string;
  readonly version: number | null;
  readonly parameters: number;
  readonly context_length: number;
}

export interface Writing {
  readonly maxTokens: number;
  readonly temperature: number;
  readonly signal: AbortSignal;
  readonly onPiece: (text: string) => void;
}

export interface Written {
  /** Such as `v12-a535b0e8`: which weights wrote it. */
  readonly fingerprint: string;
  readonly tokens: number;
}

interface Chunk {
  readonly system_fingerprint?: string;
  readonly choices?: readonly { text?: string; delta?: { content?: string } }[];
  readonly usage?: { completion_tokens: number };
  readonly error?: { message: string; code: string };
}

/** A base model was not taught where an answer ends: it must not stop before some words. */
const MIN_ANSWER_TOKENS = 16;

/** Sampling as base models need it: among the likeliest only. */
const CAREFUL = { top_p: 0.95, top_k: 40 };

export class Inference {
  readonly #base: string;

  constructor(base: string) {
    this.#base = base;
  }

  /** The endpoint this page's server names; `undefined` when it names none. Throws while the server is away. */
  static async find(): Promise<Inference | undefined> {
    const answer = await fetch('page-config.json', { cache: 'no-store' });
    if (!answer.ok) return undefined;
    const { inference } = (await answer.json()) as { inference?: unknown };
    return typeof inference === 'string' ? new Inference(inference.replace(/^\//, '')) : undefined;
  }

  /** Throws `INFERENCE_REFUSED`. */
  async model(): Promise<ServedModel> {
    const { data } = (await this.#read('v1/models')) as { data: ServedModel[] };
    return data[0]!;
  }

  /** Where the newest weights can be downloaded as a file. */
  fileAddress(format: 'gguf' | 'safetensors'): string {
    return `${this.#base}/v1/model.${format}`;
  }

  async samples(): Promise<unknown> {
    return this.#read('v1/samples');
  }

  /** Continues a text, or answers a conversation. Throws `INFERENCE_REFUSED`, the signal's reason. */
  async write(
    asked: { prompt: string } | { messages: readonly Message[] },
    { maxTokens, temperature, signal, onPiece }: Writing,
  ): Promise<Written> {
    const isAnswer = 'messages' in asked;
    const path = isAnswer ? 'v1/chat/completions' : 'v1/completions';
    const answer = await fetch(`${this.#base}/${path}`, {
      ...{ method: 'POST', signal, headers: { 'content-type': 'application/json' } },
      body: JSON.stringify({
        ...{ model: 'alice', stream: true, stream_options: { include_usage: true } },
        ...{ max_tokens: maxTokens, temperature, ...CAREFUL, ...asked },
        min_tokens: isAnswer ? MIN_ANSWER_TOKENS : 1,
      }),
    });
    if (!answer.ok || !answer.body) throw await refusal(answer);
    let written: Written = { fingerprint: '', tokens: 0 };
    for await (const data of readEvents(answer.body)) {
      if (data === '[DONE]') break;
      const chunk = JSON.parse(data) as Chunk;
      if (chunk.error) throw refused(500, chunk.error.message);
      const [choice] = chunk.choices ?? [];
      const piece = choice?.text ?? choice?.delta?.content ?? '';
      if (piece !== '') onPiece(piece);
      written = {
        fingerprint: chunk.system_fingerprint ?? written.fingerprint,
        tokens: chunk.usage?.completion_tokens ?? written.tokens,
      };
    }
    return written;
  }

  async #read(path: string): Promise<unknown> {
    const answer = await fetch(`${this.#base}/${path}`, { cache: 'no-store' });
    if (!answer.ok) throw await refusal(answer);
    return answer.json();
  }
}

const refused = (status: number, message: string): WebError =>
  new WebError({ code: 'INFERENCE_REFUSED', status }, message);

async function refusal(answer: Response): Promise<WebError> {
  const body = (await answer.json().catch(() => ({}))) as Chunk & { message?: string };
  const message = body.error?.message ?? body.message ?? `the endpoint answered with status ${answer.status}`;
  return refused(answer.status, message);
}
