/**
 * @file The intake thread: takes uploads in parts, away from the thread that serves HTTP and from the one that folds.
 * Parts of different uploads are handled as they come; it holds none of them beyond its call.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { PortCalls, portOfThread, SUBMISSION_HEADER_BYTES, type SubmissionLimits } from '@alice/protocol';
import type { BlobRef } from '../blobs/BlobStore.js';
import { openBlobStore } from '../blobs/blobLocation.js';
import { ServerError } from '../errors.js';
import { ArrivingUpload, type CheckedUpload } from './ArrivingUpload.js';
import { diskErrors } from './diskErrors.js';
import type { UploadName } from './Spool.js';

export interface IntakeWorkerData {
  /** Where the blobs are: a folder or `s3://…`. */
  readonly blobs: string;
  /** The spool; this thread is its only user. */
  readonly dir: string;
  readonly limits: SubmissionLimits;
}

export interface UploadPart {
  readonly upload: number;
  readonly bytes: Uint8Array;
  /** The first part of an upload holds all of its header. */
  readonly isFirst: boolean;
  readonly isLast: boolean;
  /** With the first part: of one that may be taken up again. */
  readonly name?: UploadName | undefined;
}

/** The beginning of an upload that an earlier process left. */
export interface TakenUp {
  readonly head: Uint8Array;
  readonly sizeBytes: number;
}

const port = parentPort;
if (!port) throw new Error('the intake worker is started by startIntake, never on its own');
const { blobs: location, dir, limits } = workerData as IntakeWorkerData;
const blobs = openBlobStore(location);
const uploads = new Map<number, ArrivingUpload>();
const checked = new Map<number, BlobRef>();

function drop(upload: number): void {
  uploads.get(upload)?.file.remove();
  uploads.delete(upload);
  checked.delete(upload);
}

const handlers = {
  /** Returns what was checked once the last part is on disk. What fails is gone. */
  part: diskErrors(
    async ({ upload, bytes, isFirst, isLast, name }: UploadPart): Promise<CheckedUpload | undefined> => {
      try {
        if (isFirst) uploads.set(upload, ArrivingUpload.begin(bytes, { dir, limits, name }));
        const arriving = uploads.get(upload);
        if (!arriving) throw interrupted();
        arriving.add(isFirst ? bytes.subarray(SUBMISSION_HEADER_BYTES) : bytes);
        if (!isLast) return undefined;
        const result = await arriving.end();
        checked.set(upload, result);
        return result;
      } catch (error) {
        drop(upload);
        throw error;
      }
    },
  ),
  /** Goes on with what an earlier process left; undefined where that was no beginning of anything. */
  takeUp: async ({ upload, name }: { upload: number; name: UploadName }): Promise<TakenUp | undefined> => {
    const arriving = ArrivingUpload.takeUp({ dir, limits, name });
    if (!arriving) return undefined;
    uploads.set(upload, arriving);
    return { head: arriving.head, sizeBytes: arriving.file.sizeBytes };
  },
  /** A checked upload becomes a blob, for good. */
  keep: diskErrors(async (upload: number): Promise<void> => {
    const [arriving, ref] = [uploads.get(upload), checked.get(upload)];
    if (!arriving || !ref) throw interrupted();
    await blobs.adopt(arriving.file.path, ref);
    drop(upload);
  }),
  drop: async (upload: number): Promise<void> => drop(upload),
};
export type IntakeCalls = typeof handlers;

new PortCalls(portOfThread(port), handlers);

/** Parts that were sent to a thread that has ended since. */
function interrupted(): ServerError {
  return new ServerError(
    { code: 'COMPUTE_STOPPED', retryAfterMs: 1_000 },
    'the server was interrupted: send it again',
  );
}
