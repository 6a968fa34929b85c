/**
 * @file The thread that reads ranges of a weight file into memory it is lent and hands it back filled. Where the file has
 * page hashes, every page a range touches is read whole and checked. Node only.
 */
import { openSync, readSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '@alice/protocol';
import { PAGE_BYTES } from './PageHasher.js';
import { wrongPage } from './weightPages.js';

/** What the starting thread passes. */
export interface PageReaderData {
  readonly path: string;
  /** First byte of the data within the file. */
  readonly dataFrom: number;
  /** Length of the data and the hashes of its pages, where there are any. */
  readonly pages?: { readonly dataBytes: number; readonly hashes: Uint8Array };
}

export interface PageRequest {
  readonly buffer: ArrayBuffer;
  /** First byte within the data. */
  readonly from: number;
  readonly sizeBytes: number;
}

export interface PageReply {
  readonly buffer: ArrayBuffer;
  /** Why the range could not be read. */
  readonly problem?: string;
  /** A page that is not what was written: its first byte within the data, and the hashes. */
  readonly wrong?: { readonly from: number; readonly expected: string; readonly actual: string };
}

/** One system call reads at most this much; the kernel's own limit is 2 GiB. */
const READ_BYTES = 64 * 2 ** 20;

const { path, dataFrom, pages } = workerData as PageReaderData;
const scratch = new Uint8Array(pages ? PAGE_BYTES : 0);
let file: number | undefined;

parentPort!.on('message', ({ buffer, from, sizeBytes }: PageRequest) => {
  let reply: PageReply;
  try {
    const bytes = new Uint8Array(buffer, 0, sizeBytes);
    fill(bytes, from);
    const wrong = pages && checkPages(bytes, from, pages);
    reply = { buffer, ...(wrong && { wrong }) };
  } catch (error) {
    reply = { buffer, problem: messageOf(error) };
  }
  parentPort!.postMessage(reply, [buffer]);
});

function fill(bytes: Uint8Array, from: number): void {
  file ??= openSync(path, 'r');
  for (let done = 0; done < bytes.length; ) {
    const place = dataFrom + from + done;
    const got = readSync(file, bytes, done, Math.min(READ_BYTES, bytes.length - done), place);
    if (got === 0) throw new Error(`it ends at byte ${place}`);
    done += got;
  }
}

/** The first page that is wrong. Pages that the range only begins or ends in are read once more, whole. */
function checkPages(
  bytes: Uint8Array,
  from: number,
  { dataBytes, hashes }: NonNullable<PageReaderData['pages']>,
): PageReply['wrong'] {
  const last = Math.floor((from + bytes.length - 1) / PAGE_BYTES);
  for (let page = Math.floor(from / PAGE_BYTES); page <= last; page++) {
    const [start, end] = [page * PAGE_BYTES, Math.min((page + 1) * PAGE_BYTES, dataBytes)];
    const within = start >= from && end <= from + bytes.length;
    const content = within ? bytes.subarray(start - from, end - from) : scratch.subarray(0, end - start);
    if (!within) {
      fill(content, start);
      // What is used is what was checked, not an earlier reading of it.
      const [low, high] = [Math.max(start, from), Math.min(end, from + bytes.length)];
      bytes.set(content.subarray(low - start, high - start), low - from);
    }
    const wrong = wrongPage(content, page, hashes);
    if (wrong) return { from: start, ...wrong };
  }
  return undefined;
}
