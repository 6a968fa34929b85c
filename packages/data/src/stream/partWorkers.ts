/**
 * @file Worker threads that turn source files into parts. Which thread makes which part leaves no trace: a part is a pure
 * function of its file. With no tokenizer module the parts are made on the calling thread, one after the other.
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { DataError, type DataErrorInfo } from '../errors.js';
import type { ShardTokenizer } from '../shardTokenizer.js';
import type { ListedFile } from '../sources/ListedFile.js';
import { hubAccess } from '../sources/remote/listHub.js';
import { type PartSummary, partFiles } from './PartFiles.js';
import type { PartJob } from './PartJob.js';
import { type PartProgress, tokenizePart } from './tokenizePart.js';
import type { TokenizerModule } from './tokenizerModule.js';

export interface WorkerSetup {
  readonly job: PartJob;
  readonly workDir: string;
  readonly tokenizerModule: TokenizerModule;
}

export type FromWorker =
  | { readonly kind: 'progress'; readonly added: PartProgress }
  | { readonly kind: 'done'; readonly summary: PartSummary }
  | { readonly kind: 'failed'; readonly info: DataErrorInfo | null; readonly message: string };

/** One place where parts are made, one at a time. */
export interface PartMaker {
  make(file: ListedFile): Promise<PartSummary>;
  close(): Promise<void>;
}

export interface MakersOptions {
  readonly job: PartJob;
  readonly workDir: string;
  readonly tokenizer: ShardTokenizer;
  /** Where threads find the tokenizer; without it the parts are made on this thread. */
  readonly tokenizerModule?: TokenizerModule | undefined;
  /** Threads; default: one a core. */
  readonly workers?: number | undefined;
  /** Number of files: more threads have nothing to do. */
  readonly files: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress: (added: PartProgress) => void;
}

export interface Makers {
  readonly makers: readonly PartMaker[];
  /** Ends the threads; may be called again. */
  close(): Promise<void>;
}

/** Makers for as long as `run` takes: closed at its end, on failure and on abort. Throws the signal's reason, or what `run` throws. */
export async function withMakers<T>(options: MakersOptions, run: (opened: Makers) => Promise<T>): Promise<T> {
  const { signal } = options;
  const makers = openMakers(options);
  const close = async (): Promise<void> => void (await Promise.all(makers.map((maker) => maker.close())));
  const stop = (): void => void close();
  signal?.addEventListener('abort', stop);
  try {
    signal?.throwIfAborted();
    return await run({ makers, close });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener('abort', stop);
    await close();
  }
}

function openMakers(options: MakersOptions): PartMaker[] {
  const { job, workDir, tokenizerModule, workers = availableParallelism(), files, onProgress } = options;
  if (tokenizerModule === undefined) return [localMaker(options)];
  const count = Math.min(workers, files);
  return Array.from({ length: count }, () => threadMaker({ job, workDir, tokenizerModule }, onProgress));
}

function threadMaker(setup: WorkerSetup, onProgress: (added: PartProgress) => void): PartMaker {
  const worker = new Worker(new URL('./tokenizeWorker.js', import.meta.url), {
    workerData: setup,
    // What is made of a document is garbage at once: a small nursery costs little time and saves 50 MB a thread.
    resourceLimits: { maxYoungGenerationSizeMb: 8 },
  });
  let waiting: { resolve(summary: PartSummary): void; reject(error: unknown): void } | null = null;
  const fail = (error: unknown): void => waiting?.reject(error);
  worker.on('message', (message: FromWorker) => {
    if (message.kind === 'progress') onProgress(message.added);
    else if (message.kind === 'done') waiting?.resolve(message.summary);
    else
      fail(message.info === null ? new Error(message.message) : new DataError(message.info, message.message));
  });
  worker.on('error', fail);
  worker.on('exit', (code) => fail(new Error(`a tokenising thread stopped (code ${code})`)));
  const make = (file: ListedFile): Promise<PartSummary> =>
    new Promise((resolve, reject) => {
      waiting = { resolve, reject };
      worker.postMessage(file);
    });
  const close = async (): Promise<void> => void (await worker.terminate());
  return { make, close };
}

/** Parts made on this thread; for callers that have a tokenizer but no module of it. */
function localMaker({ job, workDir, tokenizer, signal, onProgress }: MakersOptions): PartMaker {
  const make = (file: ListedFile): Promise<PartSummary> =>
    tokenizePart({
      file,
      job,
      tokenizer,
      name: partFiles(workDir, file),
      access: { ...hubAccess(), signal },
      onProgress: (added) => {
        signal?.throwIfAborted();
        onProgress(added);
      },
    });
  return { make, close: () => Promise.resolve() };
}
