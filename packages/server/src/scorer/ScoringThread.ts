/**
 * @file The computing half of a scorer as seen from the networking thread. A worker that dies fails what it was doing
 * with `THREAD_ENDED`; the next `open` starts a new one.
 */
import { Worker } from 'node:worker_threads';
import type { DeviceName } from '@alice/engine/node';
import { errorCodeOf, PortCalls, portOfThread, type ScoringJob } from '@alice/protocol';
import type { JobScorer, JobScores, OpenScoring, ScoringSource } from './scoring.js';
import type { ScoringWorkerData } from './scoringWorker.js';

export class ScoringThread implements JobScorer {
  readonly #source: ScoringSource;
  readonly #device: DeviceName;
  #worker: Worker | undefined;
  #calls: PortCalls<JobScorer> | undefined;

  /** `device`: what is computed on; that it works was found out before, since a provider can end the process. */
  constructor(source: ScoringSource, device: DeviceName = 'cpu') {
    this.#source = source;
    this.#device = device;
  }

  open(request: OpenScoring): Promise<void> {
    return this.#started().call('open', request);
  }
  score(job: ScoringJob): Promise<JobScores> {
    return this.#started().call('score', job);
  }

  /** Ends the thread at once: nothing in it outlives a job. */
  async close(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    try {
      await this.#calls?.call('close', undefined);
    } catch (error) {
      if (errorCodeOf(error) !== 'THREAD_ENDED') throw error;
    } finally {
      await worker?.terminate();
    }
  }

  #started(): PortCalls<JobScorer> {
    if (this.#worker !== undefined && this.#calls !== undefined) return this.#calls;
    const workerData: ScoringWorkerData = { device: this.#device };
    const worker = new Worker(new URL('./scoringWorker.js', import.meta.url), {
      ...{ workerData, name: 'alice scoring' },
    });
    const source = this.#source;
    const calls = new PortCalls<JobScorer>(portOfThread(worker), {
      blob: (request: Parameters<ScoringSource['blob']>[0]) => source.blob(request),
      version: (version: number) => source.version(version),
      batch: (batchId: string) => source.batch(batchId),
    });
    const gone = (reason: string, cause?: unknown): void => {
      calls.end(reason, cause);
      if (this.#worker === worker) this.#worker = undefined;
    };
    worker.on('error', (error) => gone(error.message, error));
    worker.on('exit', (code) => gone(`exit code ${code}`));
    this.#worker = worker;
    this.#calls = calls;
    return calls;
  }
}
