/**
 * @file The bytes of a parquet file by place, from disk or from the web. On the web each piece is a Range request of its
 * own, retried and tied to the version listed; the file is never brought over whole.
 */
import { type FileHandle, open } from 'node:fs/promises';
import type { AsyncBuffer } from 'hyparquet';
import type { ListedFile } from './ListedFile.js';
import { unreadable } from './readText.js';
import { unreachable, type WebAccess } from './remote/fetchWithRetries.js';
import { remoteBytes } from './remote/remoteBytes.js';
import { broken } from './ZstdDecoder.js';

export interface ParquetBytes extends AsyncBuffer {
  close(): Promise<void>;
}

/** Throws `SOURCE_UNREADABLE`; reading throws what `remoteBytes` throws. `onBytes` hears of stored bytes read. */
export async function openParquet(
  file: ListedFile,
  access: WebAccess,
  onBytes: (added: number) => void = () => undefined,
): Promise<ParquetBytes> {
  const { at, address } = file.location;
  if (at === 'disk') return diskBytes(address);
  if (file.bytes < 0) throw unreachable(address, 'the server does not say how long the file is');
  return remotePieces(file, access, onBytes);
}

/** A parquet file on disk. Throws `SOURCE_MISSING`, `SOURCE_UNREADABLE`. */
export async function diskBytes(address: string): Promise<ParquetBytes> {
  const handle: FileHandle = await open(address).catch((cause) => {
    throw unreadable(address, cause);
  });
  const byteLength = (await handle.stat()).size;
  return {
    byteLength,
    close: () => handle.close(),
    async slice(start, end = byteLength) {
      const bytes = new Uint8Array(Math.max(0, end - start));
      for (let done = 0; done < bytes.length; ) {
        const { bytesRead } = await handle.read(bytes, done, bytes.length - done, start + done);
        if (bytesRead === 0) throw new Error(`the file ends before byte ${end}`);
        done += bytesRead;
      }
      return bytes.buffer;
    },
  };
}

function remotePieces(file: ListedFile, access: WebAccess, onBytes: (added: number) => void): ParquetBytes {
  const { address } = file.location;
  const byteLength = file.bytes;
  const tag = file.version.startsWith('"') ? file.version : '';
  return {
    byteLength,
    close: () => Promise.resolve(),
    async slice(start, end = byteLength) {
      const from = start < 0 ? byteLength + start : start;
      const bytes = new Uint8Array(Math.max(0, end - from));
      let done = 0;
      for await (const chunk of remoteBytes({ url: address, from, to: end, tag }, access)) {
        bytes.set(chunk, done);
        done += chunk.length;
        onBytes(chunk.length);
      }
      if (done === bytes.length) return bytes.buffer;
      throw broken(file.path, from + done, `the server ends the file before byte ${end}`);
    },
  };
}
