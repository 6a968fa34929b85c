/**
 * @file Worker threads that turn source files into parts. Which thread makes which part leaves no trace: a part is a pure
 * function of its file. With no tokenizer module the parts are made on the calling thread, one after the other.
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { errorCodeOf } from '@alice/protocol';
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

/**
 * Of a thread. What is made of a document is garbage at once: a small nursery costs little time and saves 50 MB. The bound on
 * the rest is what the worst line of the longest length allowed takes (64 MiB of empty lists); V8 lets garbage grow in
 * proportion to it, so that without a bound memory would still rise after gigabytes of text.
 */
const MEMORY = { maxYoungGenerationSizeMb: 8, maxOldGenerationSizeMb: 1024 } as const;

function threadMaker(setup: WorkerSetup, onProgress: (added: PartProgress) => void): PartMaker {
  const worker = new Worker(new URL('./tokenizeWorker.js', import.meta.url), {
    workerData: setup,
    resourceLimits: MEMORY,
  });
  let waiting: { resolve(summary: PartSummary): void; reject(error: unknown): void } | null = null;
  let current = '';
  const fail = (error: unknown): void => waiting?.reject(error);
  worker.on('message', (message: FromWorker) => {
    if (message.kind === 'progress') onProgress(message.added);
    else if (message.kind === 'done') waiting?.resolve(message.summary);
    else
      fail(message.info === null ? new Error(message.message) : new DataError(message.info, message.message));
  });
  worker.on('error', (error) =>
    fail(errorCodeOf(error) === 'ERR_WORKER_OUT_OF_MEMORY' ? tooLarge(current) : error),
  );
  worker.on('exit', (code) => fail(new Error(`a tokenising thread stopped (code ${code})`)));
  const make = (file: ListedFile): Promise<PartSummary> =>
    new Promise((resolve, reject) => {
      waiting = { resolve, reject };
      current = file.path;
      worker.postMessage(file);
    });
  const close = async (): Promise<void> => void (await worker.terminate());
  return { make, close };
}

function tooLarge(path: string): DataError {
  return new DataError(
    { code: 'SOURCE_BROKEN', path, byteOffset: 0, reason: 'out of memory' },
    `${path} holds a line or row group that takes more than ${MEMORY.maxOldGenerationSizeMb} MB of memory to read: ` +
      'cut it into smaller ones',
  );
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
