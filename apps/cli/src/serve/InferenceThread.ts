/**
 * @file The inference thread as seen from the one that serves: started when first needed, its memory given back after
 * some idle time, started anew after a crash. Calls must not overlap; InferenceQueue.ts sees to it.
 */
import { randomInt } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import { type Logger, PortCalls, portOfThread } from '@alice/protocol';
import type { Prompt, Sampling } from './completionRequest.js';
import { unavailable } from './describeModel.js';
import type { InferenceCalls, InferenceListener, InferenceWorkerData } from './inferenceWorker.js';
import type { ModelCard } from './ModelCard.js';
import type { ModelFileFormat } from './modelFile.js';
import type { ModelOrigin } from './servedModel.js';
import type { WriteAnswer } from './writeText.js';

export interface ThreadOptions {
  readonly origin: ModelOrigin;
  /** Processor threads of the mathematics. */
  readonly threads: number;
  /** The model is given back after this long without a request; 0: never. */
  readonly idleMs: number;
  /** A network is asked for a newer version at most this often. */
  readonly followMs: number;
}

export interface WriteListener {
  onStart(promptTokens: number): void;
  onPiece(text: string): void;
  readonly signal: AbortSignal;
}

interface Running {
  readonly worker: Worker;
  readonly calls: PortCalls<InferenceCalls>;
}

/** Exclusive upper bound of what `randomInt` may draw: seeds need no more. */
const SEEDS = 2 ** 47;

export class InferenceThread {
  readonly #options: ThreadOptions;
  readonly #log: Logger;
  readonly #stop = new Int32Array(new SharedArrayBuffer(4));
  readonly #listeners = new Map<number, WriteListener>();
  #running: Running | undefined;
  #card: ModelCard | undefined;
  #loadedMs = Number.NEGATIVE_INFINITY;
  #lastId = 0;
  #idle: NodeJS.Timeout | undefined;
  #busy: Promise<void> = Promise.resolve();

  constructor(options: ThreadOptions, { log }: { log: Logger }) {
    this.#options = options;
    this.#log = log;
  }

  /** The newest model, loaded. Throws what loading throws, `THREAD_ENDED`. */
  async load(): Promise<ModelCard> {
    clearTimeout(this.#idle);
    const running = this.#started();
    if (!this.#card || performance.now() - this.#loadedMs >= this.#options.followMs) {
      this.#card = await this.#doing(running.calls.call('load', undefined as never)).catch(
        (error: unknown) => {
          const { origin } = this.#options;
          throw origin.kind === 'server' ? unavailable(origin.url, error) : error;
        },
      );
      this.#loadedMs = performance.now();
    }
    this.#restSoon();
    return this.#card;
  }

  /** Writes a text; after `signal` it ends at the next token. Throws what writing throws, `THREAD_ENDED`. */
  async write(prompt: Prompt, sampling: Sampling, listener: WriteListener): Promise<WriteAnswer> {
    await this.load();
    clearTimeout(this.#idle);
    const id = ++this.#lastId;
    const giveUp = (): void => void Atomics.store(this.#stop, 0, id);
    this.#listeners.set(id, listener);
    listener.signal.addEventListener('abort', giveUp, { once: true });
    if (listener.signal.aborted) giveUp();
    try {
      const seed = String(sampling.seed ?? randomInt(SEEDS));
      const request = { id, prompt, sampling: { ...sampling, seed } };
      return await this.#doing(this.#started().calls.call('write', request));
    } finally {
      listener.signal.removeEventListener('abort', giveUp);
      this.#listeners.delete(id);
      this.#restSoon();
    }
  }

  /** The newest model as a file below `dir`; the same version is written once. Throws as `load`, and what writing throws. */
  async file(format: ModelFileFormat, dir: string): Promise<string> {
    await this.load();
    clearTimeout(this.#idle);
    try {
      return await this.#doing(this.#started().calls.call('file', { format, dir }));
    } finally {
      this.#restSoon();
    }
  }

  /** Ends the text being written, gives back the model, then the thread: killed in the middle, it would take the process along. */
  async close(): Promise<void> {
    clearTimeout(this.#idle);
    const running = this.#running;
    this.#running = undefined;
    this.#card = undefined;
    if (!running) return;
    for (const id of this.#listeners.keys()) Atomics.store(this.#stop, 0, id);
    await this.#busy;
    await running.calls.call('close', undefined as never).catch(() => undefined); // it may be dead already
    await running.worker.terminate();
  }

  /** One call of the worker; `close` waits for it. */
  async #doing<T>(call: Promise<T>): Promise<T> {
    this.#busy = call.then(
      () => undefined,
      () => undefined,
    );
    return call;
  }

  #restSoon(): void {
    if (this.#options.idleMs === 0) return;
    this.#idle = setTimeout(() => void this.close(), this.#options.idleMs);
    this.#idle.unref();
  }

  #started(): Running {
    if (this.#running) return this.#running;
    const workerData: InferenceWorkerData = {
      ...{ origin: this.#options.origin, threads: this.#options.threads },
      stop: this.#stop.buffer as SharedArrayBuffer,
    };
    const worker = new Worker(new URL('./inferenceWorker.js', import.meta.url), {
      ...{ workerData, name: 'alice inference' },
    });
    const calls = new PortCalls<InferenceCalls>(portOfThread(worker), {
      onStart: ({ id, promptTokens }: Parameters<InferenceListener['onStart']>[0]) =>
        this.#listeners.get(id)?.onStart(promptTokens),
      onPiece: ({ id, text }: Parameters<InferenceListener['onPiece']>[0]) =>
        this.#listeners.get(id)?.onPiece(text),
      onStale: ({ message }: Parameters<InferenceListener['onStale']>[0]) =>
        this.#log.warn('A newer version could not be read; going on with the one at hand', {
          reason: message,
        }),
    });
    const gone = (reason: string, cause?: unknown): void => {
      calls.end(reason, cause);
      if (this.#running?.worker !== worker) return;
      this.#running = undefined;
      this.#card = undefined;
    };
    worker.on('error', (error) => gone(error.message, error));
    worker.on('exit', (code) => gone(`exit code ${code}`));
    this.#running = { worker, calls };
    return this.#running;
  }
}
