/** @file The thread that reads ranges of a weight file into memory it is lent and hands it back filled. Node only. */
import { openSync, readSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '@alice/protocol';

export interface PageRequest {
  readonly buffer: ArrayBuffer;
  /** First byte within the file. */
  readonly from: number;
  readonly sizeBytes: number;
}

export interface PageReply {
  readonly buffer: ArrayBuffer;
  /** Why the range could not be read. */
  readonly problem?: string;
}

/** One system call reads at most this much; the kernel's own limit is 2 GiB. */
const READ_BYTES = 64 * 2 ** 20;

const { path } = workerData as { path: string };
let file: number | undefined;

parentPort!.on('message', ({ buffer, from, sizeBytes }: PageRequest) => {
  let reply: PageReply;
  try {
    fill(new Uint8Array(buffer, 0, sizeBytes), from);
    reply = { buffer };
  } catch (error) {
    reply = { buffer, problem: messageOf(error) };
  }
  parentPort!.postMessage(reply, [buffer]);
});

function fill(bytes: Uint8Array, from: number): void {
  file ??= openSync(path, 'r');
  for (let done = 0; done < bytes.length; ) {
    const got = readSync(file, bytes, done, Math.min(READ_BYTES, bytes.length - done), from + done);
    if (got === 0) throw new Error(`it ends at byte ${from + done}`);
    done += got;
  }
}
