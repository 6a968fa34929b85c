/**
 * @file Threads that check signatures. They are started when the first claims come, get batches, and never more than
 * two at a time, so that a later caller does not wait behind a long queue in one thread. A thread that dies takes no
 * claim with it: what it had is checked on this thread, and another is started when needed.
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { type Logger, messageOf, verifySignature } from '@alice/protocol';
import { isWellFormed, packClaims, type SignatureClaim } from './claim.js';

/** About 20 ms of work. */
const BATCH = 64;
const BATCHES_PER_WORKER = 2;
const MOST_WORKERS = 8;

interface Waiting extends SignatureClaim {
  answer(isGood: boolean): void;
}

interface Thread {
  readonly worker: Worker;
  /** Batches under way, in the order in which their answers come. */
  readonly batches: Waiting[][];
}

export interface SignatureWorkerOptions {
  readonly log: Logger;
  /** Default: one less than there are processors, at least one. */
  readonly count?: number;
}

export class SignatureWorkers {
  readonly #log: Logger;
  readonly #count: number;
  readonly #threads = new Set<Thread>();
  #queue: Waiting[] = [];
  #isFlushing = false;
  #isClosed = false;

  constructor({ log, count }: SignatureWorkerOptions) {
    this.#log = log;
    this.#count = count ?? Math.min(MOST_WORKERS, Math.max(1, availableParallelism() - 1));
  }

  /** Whether nothing waits and nothing is being checked. */
  get isIdle(): boolean {
    return this.#queue.length === 0 && [...this.#threads].every(({ batches }) => batches.length === 0);
  }

  /** Whether the claim is true, once a thread has looked. */
  check(claim: SignatureClaim): Promise<boolean> {
    if (!isWellFormed(claim)) return Promise.resolve(false);
    return new Promise((answer) => {
      this.#queue.push({ ...claim, answer });
      if (this.#isFlushing) return;
      this.#isFlushing = true;
      setImmediate(() => {
        this.#isFlushing = false;
        this.#flush();
      });
    });
  }

  /** Ends the threads; claims still waiting are checked on this thread. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const threads = [...this.#threads];
    this.#flush();
    await Promise.all(threads.map(({ worker }) => worker.terminate()));
  }

  #flush(): void {
    if (this.#isClosed) this.#checkHere(this.#queue.splice(0));
    while (this.#queue.length > 0) {
      const thread = this.#freeThread();
      if (!thread) return;
      const batch = this.#queue.splice(0, BATCH);
      const packed = packClaims(batch);
      thread.batches.push(batch);
      thread.worker.postMessage(packed, [packed.buffer]);
    }
  }

  /** The least busy thread with room for a batch; a new one while there may be more. */
  #freeThread(): Thread | undefined {
    let best: Thread | undefined;
    for (const thread of this.#threads)
      if (!best || thread.batches.length < best.batches.length) best = thread;
    if ((!best || best.batches.length > 0) && this.#threads.size < this.#count) return this.#start();
    return best && best.batches.length < BATCHES_PER_WORKER ? best : undefined;
  }

  #start(): Thread {
    const worker = new Worker(new URL('./verifyWorker.js', import.meta.url));
    worker.unref();
    const thread: Thread = { worker, batches: [] };
    this.#threads.add(thread);
    worker.on('message', (answers: Uint8Array) => {
      thread.batches.shift()?.forEach(({ answer }, i) => {
        answer(answers[i] === 1);
      });
      this.#flush();
    });
    worker.on('error', (error) => this.#log.error('A signature thread failed', { error: messageOf(error) }));
    worker.on('exit', () => {
      this.#threads.delete(thread);
      this.#checkHere(thread.batches.flat());
      this.#flush();
    });
    return thread;
  }

  #checkHere(claims: readonly Waiting[]): void {
    for (const { message, signature, publicKey, answer } of claims)
      answer(verifySignature(message, signature, publicKey));
  }
}
