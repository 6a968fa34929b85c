/**
 * @file The compute thread: everything that takes more than milliseconds, away from the thread that serves HTTP. Calls
 * are handled one after another, so memory holds one fold at a time.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { type HashHex, PortCalls, portOfThread } from '@alice/protocol';
import { openBlobStore } from '../blobs/blobLocation.js';
import { createInTurn } from '../inTurn.js';
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

const inTurn = createInTurn();
const oneByOne =
  <A, R>(work: (argument: A) => Promise<R>) =>
  (argument: A): Promise<R> =>
    inTurn(() => work(argument));

const handlers = {
  sketch: oneByOne((blobHash: HashHex) => model.sketchOf(blobHash)),
  compare: oneByOne((request: CompareRequest) => compareSubmission(model, request)),
  fold: oneByOne((request: FoldRequest) => foldRound(model, blobs, scratch, request)),
  foldRegion: oneByOne((request: RegionFoldRequest) => foldRegion(model, blobs, scratch, request)),
  takeVersion: oneByOne((request: TakeRequest) => takeVersion(model, blobs, scratch, request)),
  first: oneByOne(() => firstVersion(model, blobs, scratch)),
};
export type ComputeCalls = typeof handlers;

new PortCalls(portOfThread(port), handlers);
