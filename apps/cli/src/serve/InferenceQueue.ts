/**
 * @file Who writes next: requests take a free inference thread in the order they came, a bounded number of them waits,
 * more are told when to come back (SPEC REG-3 for this endpoint). Who gives up while waiting frees the place.
 */
import { ServeError } from './serveError.js';

interface Waiting<T> {
  readonly take: (thread: T) => void;
}

/** The share a new duration has in the average the advice is made from. */
const NEWEST_WEIGHT = 0.2;
const FIRST_GUESS_MS = 2_000;
const MAX_ADVICE_SECONDS = 120;

export class InferenceQueue<T> {
  readonly #free: T[];
  readonly #threads: number;
  readonly #limit: number;
  readonly #waiting: Waiting<T>[] = [];
  #averageMs = FIRST_GUESS_MS;

  constructor(threads: readonly T[], limit: number) {
    this.#free = [...threads];
    this.#threads = threads.length;
    this.#limit = limit;
  }

  get waiting(): number {
    return this.#waiting.length;
  }
  get isIdle(): boolean {
    return this.#free.length === this.#threads;
  }

  /** Does `work` with a thread of its own. Throws `rate_limit_exceeded`, the signal's reason, what `work` throws. */
  async run<R>(signal: AbortSignal, work: (thread: T) => Promise<R>): Promise<R> {
    signal.throwIfAborted();
    const thread = this.#free.pop() ?? (await this.#wait(signal));
    const startMs = performance.now();
    try {
      signal.throwIfAborted();
      return await work(thread);
    } finally {
      this.#averageMs += NEWEST_WEIGHT * (performance.now() - startMs - this.#averageMs);
      const next = this.#waiting.shift();
      if (next) next.take(thread);
      else this.#free.push(thread);
    }
  }

  #wait(signal: AbortSignal): Promise<T> {
    if (this.#waiting.length >= this.#limit) throw this.#full();
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(place), 1);
        reject(signal.reason);
      };
      const place: Waiting<T> = {
        take: (thread) => {
          signal.removeEventListener('abort', leave);
          resolve(thread);
        },
      };
      signal.addEventListener('abort', leave, { once: true });
      this.#waiting.push(place);
    });
  }

  #full(): ServeError {
    const seconds = Math.ceil((this.#averageMs * (this.#waiting.length + 1)) / this.#threads / 1000);
    const retryAfterSeconds = Math.min(MAX_ADVICE_SECONDS, Math.max(1, seconds));
    return new ServeError(
      { code: 'rate_limit_exceeded', param: null, retryAfterSeconds },
      `${this.#waiting.length} requests are waiting already: try again in ${retryAfterSeconds} s`,
    );
  }
}
