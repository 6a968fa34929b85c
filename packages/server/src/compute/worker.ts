/**
 * @file The compute thread: everything that takes more than milliseconds, away from the thread that serves HTTP. Calls
 * are handled one after another, so memory holds one fold at a time.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { type HashHex, PortCalls, portOfThread } from '@alice/protocol';
import { openBlobStore } from '../blobs/blobLocation.js';
import { foldRegion, type RegionFoldRequest } from '../upstream/foldRegion.js';
import { type TakeRequest, takeVersion } from '../upstream/takeVersion.js';
import { type CompareRequest, compareSubmission } from './compareSubmission.js';
import { type FoldRequest, firstVersion, foldRound } from './foldRound.js';
import { ModelState, type ModelStateOptions } from './ModelState.js';
import { openScratchFolder } from './scratchFolder.js';

export interface ComputeWorkerData extends ModelStateOptions {
  /** Where the blobs are: a folder or `s3://…`. */
  readonly blobs: string;
  /** A folder that is this thread's alone. */
  readonly scratch: string;
}

const port = parentPort;
if (!port) throw new Error('the compute worker is started by startCompute, never on its own');
const { blobs: location, scratch: scratchDir, ...options } = workerData as ComputeWorkerData;
const blobs = openBlobStore(location);
const scratch = openScratchFolder(scratchDir);
const model = new ModelState(options, blobs);

let last: Promise<unknown> = Promise.resolve();
function inTurn<A, R>(work: (argument: A) => Promise<R>): (argument: A) => Promise<R> {
  return (argument) => {
    const result = last.then(() => work(argument));
    last = result.catch(() => undefined);
    return result;
  };
}

const handlers = {
  sketch: inTurn((blobHash: HashHex) => model.sketchOf(blobHash)),
  compare: inTurn((request: CompareRequest) => compareSubmission(model, request)),
  fold: inTurn((request: FoldRequest) => foldRound(model, blobs, scratch, request)),
  foldRegion: inTurn((request: RegionFoldRequest) => foldRegion(model, blobs, request)),
  takeVersion: inTurn((request: TakeRequest) => takeVersion(model, blobs, scratch, request)),
  first: inTurn(() => firstVersion(model, blobs, scratch)),
};
export type ComputeCalls = typeof handlers;

new PortCalls(portOfThread(port), handlers);
