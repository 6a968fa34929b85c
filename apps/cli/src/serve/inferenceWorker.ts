/**
 * @file Entry of the inference thread: one model behind a message port. Reading weights, tokens and texts all happen
 * here, so the thread that serves HTTP always answers. One text at a time; a shared number says which to give up.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { messageOf, PortCalls, portOfThread } from '@alice/protocol';
import type { ModelCard } from './ModelCard.js';
import { type ModelFileFormat, writeModelFile } from './modelFile.js';
import { type Loaded, type ModelOrigin, servedModel } from './servedModel.js';
import { type WriteAnswer, type WriteRequest, writeText } from './writeText.js';

export interface InferenceWorkerData {
  readonly origin: ModelOrigin;
  readonly threads: number;
  /** Int32: the request to give up. */
  readonly stop: SharedArrayBuffer;
}

/** What the worker does when called. */
export interface InferenceCalls {
  /** Loads the newest model. */
  load(): Promise<ModelCard>;
  /** Writes with the model that is loaded. */
  write(request: WriteRequest): Promise<WriteAnswer>;
  /** Writes the loaded model as a file and returns its path. */
  file(request: { format: ModelFileFormat; dir: string }): Promise<string>;
  /** Gives the model's memory back. */
  close(): Promise<void>;
}

/** What the worker calls. */
export interface InferenceListener {
  onStart(start: { id: number; promptTokens: number }): void;
  onPiece(piece: { id: number; text: string }): void;
  onStale(problem: { message: string }): void;
}

if (parentPort === null) throw new Error('inferenceWorker is started as a worker thread, not as a program');

const { origin, threads, stop: stopBuffer } = workerData as InferenceWorkerData;
const stop = new Int32Array(stopBuffer);
const model = servedModel(origin, threads);
let loaded: Loaded | undefined;

const calls: PortCalls<InferenceListener> = new PortCalls<InferenceListener>(portOfThread(parentPort), {
  load: async () => {
    try {
      loaded = await model.current();
    } catch (error) {
      if (!loaded) throw error;
      void calls.call('onStale', { message: messageOf(error) }); // the network is away: go on with what is here
    }
    return loaded.card;
  },
  write: async (request: WriteRequest): Promise<WriteAnswer> => {
    const { id } = request;
    if (!loaded) throw new Error('load comes before write');
    return writeText(loaded, request, {
      onStart: (promptTokens) => void calls.call('onStart', { id, promptTokens }),
      onPiece: (text) => void calls.call('onPiece', { id, text }),
      isStopped: () => Atomics.load(stop, 0) === id,
    });
  },
  close: () => model.close(),
  file: async ({ format, dir }: { format: ModelFileFormat; dir: string }) => {
    if (!loaded) throw new Error('load comes before file');
    return writeModelFile(loaded, { format, dir });
  },
});
