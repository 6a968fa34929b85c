/**
 * @file A thread that puts blocks into words, because decoding a full one takes longer than the thread that serves and
 * makes blocks should be away. Started at the first question; at most so many questions wait.
 */
import { Worker } from 'node:worker_threads';
import { type Logger, messageOf } from '@alice/protocol';
import type { EventDescription, ExtrinsicDescription } from '../describe/ChainDecoder.js';
import { RPC_CODE, rpcError } from '../errors.js';

export interface DescribeRequest {
  readonly id: number;
  readonly specVersion: number;
  /** With the first request of a version. */
  readonly metadata?: Uint8Array;
  readonly extrinsics: readonly Uint8Array[];
  readonly events: Uint8Array;
}

export type DescribeAnswer =
  | { readonly id: number; readonly error: string }
  | {
      readonly id: number;
      readonly error?: undefined;
      readonly extrinsics: readonly ExtrinsicDescription[];
      readonly events: readonly EventDescription[];
    };

export interface Described {
  readonly extrinsics: readonly ExtrinsicDescription[];
  readonly events: readonly EventDescription[];
}

export interface DescribeRuntime {
  readonly specVersion: number;
  metadata(): Uint8Array;
}

const MOST_WAITING = 256;

export class DescribeThread {
  readonly #log: Logger;
  readonly #waiting = new Map<number, { resolve(described: Described): void; reject(error: Error): void }>();
  readonly #told = new Set<number>();
  #worker: Worker | undefined;
  #ids = 0;
  #isClosed = false;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Extrinsics and the bytes of `System.Events` in words. Rejects with `RPC_REFUSED` when too many wait. */
  describe(
    runtime: DescribeRuntime,
    { extrinsics, events }: { extrinsics: readonly Uint8Array[]; events: Uint8Array },
  ): Promise<Described> {
    if (this.#isClosed || this.#waiting.size >= MOST_WAITING)
      return Promise.reject(
        rpcError(RPC_CODE.limitExceeded, 'Too many explorer requests', 'try again later'),
      );
    this.#worker ??= this.#start();
    const worker = this.#worker;
    const { specVersion } = runtime;
    const id = this.#ids++;
    const metadata = this.#told.has(specVersion) ? {} : { metadata: runtime.metadata() };
    this.#told.add(specVersion);
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      worker.postMessage({ id, specVersion, extrinsics, events, ...metadata } satisfies DescribeRequest);
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#worker?.terminate();
  }

  #start(): Worker {
    const worker = new Worker(new URL('./describeWorker.js', import.meta.url));
    worker.unref();
    worker.on('message', (answer: DescribeAnswer) => {
      const waiting = this.#waiting.get(answer.id);
      this.#waiting.delete(answer.id);
      if (answer.error === undefined) waiting?.resolve(answer);
      else waiting?.reject(new Error(answer.error));
    });
    worker.on('error', (error) => this.#log.error('The explorer thread failed', { error: messageOf(error) }));
    worker.on('exit', () => {
      this.#worker = undefined;
      this.#told.clear();
      for (const { reject } of this.#waiting.values()) reject(new Error('the explorer thread ended'));
      this.#waiting.clear();
    });
    return worker;
  }
}
