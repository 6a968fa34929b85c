/** @file Reading as much as is wanted, however little a call gives. */
import type { FileHandle } from 'node:fs/promises';

/** One call reads at most this much; the kernel's own limit is 2 GiB. */
const READ_BYTES = 2 ** 30;

/** Fills `bytes` from `place` on; where the file ends before, the rest is zeros. Returns how many bytes the file had. */
export async function readFully(file: FileHandle, bytes: Uint8Array, place: number): Promise<number> {
  let done = 0;
  while (done < bytes.length) {
    const length = Math.min(READ_BYTES, bytes.length - done);
    const { bytesRead } = await file.read(bytes, done, length, place + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  bytes.fill(0, done);
  return done;
}
