/**
 * @file The file system as checkpoints use it; the only file here that imports Node, so that everything else loads in a
 * browser. A file is whole or absent after a crash: written beside, flushed, renamed, and the folder flushed.
 */
import { createHash, type Hash } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { errorCodeOf, messageOf, utf8 } from '@alice/protocol';
import { CheckpointError, truncated } from './checkpointError.js';

export interface ByteFile {
  readonly path: string;
  readonly sizeBytes: number;
  /** Exactly these bytes, in memory of their own. Throws `CHECKPOINT_TRUNCATED`. */
  read(from: number, lengthBytes: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

export interface WrittenFile {
  readonly path: string;
  readonly sizeBytes: number;
  /** Hexadecimal digits, as `sha256sum` prints them. */
  readonly sha256: string;
}

/** One piece of a write or a read: more would need buffers the system calls refuse. */
const PIECE_BYTES = 64 * 2 ** 20;

/** Throws `CHECKPOINT_MISSING`. */
export async function openByteFile(path: string): Promise<ByteFile> {
  const file = await open(path, 'r').catch((cause: unknown) => {
    throw notRead(path, cause);
  });
  const stats = await file.stat();
  if (!stats.isFile()) {
    await file.close();
    throw notRead(path, new Error('it is not a file'));
  }
  const { size } = stats;
  return {
    path,
    sizeBytes: size,
    async read(from, lengthBytes) {
      const bytes = new Uint8Array(lengthBytes);
      for (let at = 0; at < lengthBytes; ) {
        const { bytesRead } = await file.read(bytes, {
          offset: at,
          length: Math.min(PIECE_BYTES, lengthBytes - at),
          position: from + at,
        });
        if (bytesRead === 0) throw truncated(path, { needBytes: from + lengthBytes, gotBytes: from + at });
        at += bytesRead;
      }
      return bytes;
    },
    close: () => file.close(),
  };
}

/** The whole text of a small file. Throws `CHECKPOINT_MISSING`. */
export async function readTextFile(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((cause: unknown) => {
    throw notRead(path, cause);
  });
}

/** All bytes of a small file. Throws `CHECKPOINT_MISSING`. */
export async function wholeFile(path: string): Promise<Uint8Array> {
  return readFile(path).catch((cause: unknown) => {
    throw notRead(path, cause);
  });
}

export async function fileExists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/**
 * Writes `pieces` one after another; `path` is the old file or the whole new one at any instant. Throws
 * `CHECKPOINT_DISK_FULL`, `CHECKPOINT_UNWRITABLE`, and what the pieces throw.
 */
export async function writeWhole(
  path: string,
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<WrittenFile> {
  try {
    await makeFolder(dirname(path));
    await removeLeftovers(path);
  } catch (error) {
    throw notWritten(path, error);
  }
  const temporary = `${path}.${process.pid}.tmp`;
  const hash = createHash('sha256');
  let sizeBytes = 0;
  try {
    const file = await open(temporary, 'w');
    try {
      for await (const piece of pieces) {
        sizeBytes += piece.length;
        for (let at = 0; at < piece.length; at += PIECE_BYTES) {
          const part = piece.subarray(at, at + PIECE_BYTES);
          hash.update(part);
          await file.writeFile(part);
        }
      }
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined); // the first error tells more
    throw notWritten(path, error);
  }
  await flushFolder(dirname(path));
  return { path, sizeBytes, sha256: hash.digest('hex') };
}

/** Like Node's recursive `mkdir`, which does not end where a folder can never be made, as within /proc. */
async function makeFolder(dir: string): Promise<void> {
  try {
    await mkdir(dir);
  } catch (error) {
    if (errorCodeOf(error) === 'EEXIST' && (await isFolder(dir))) return;
    if (errorCodeOf(error) !== 'ENOENT' || (await fileExists(dirname(dir)))) throw error;
    await makeFolder(dirname(dir));
    await makeFolder(dir);
  }
}

async function isFolder(dir: string): Promise<boolean> {
  return (await stat(dir)).isDirectory();
}

/** What a process that was killed had written so far: of a large model, gigabytes that nobody would look for. */
async function removeLeftovers(path: string): Promise<void> {
  const own = `${basename(path)}.`;
  for (const name of await readdir(dirname(path))) {
    const pid = name.startsWith(own) ? /^(\d+)\.tmp$/.exec(name.slice(own.length))?.[1] : undefined;
    if (pid !== undefined && !isAlive(Number(pid))) await rm(`${dirname(path)}/${name}`, { force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return errorCodeOf(error) !== 'ESRCH'; // another user's
  }
}

/** SHA-256 in hexadecimal digits. */
export function hexDigest(bytes: Uint8Array): string {
  const hash: Hash = createHash('sha256');
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) hash.update(bytes.subarray(at, at + PIECE_BYTES));
  return hash.digest('hex');
}

export const SUMS_FILE = 'SHA256SUMS';

/** Writes `SHA256SUMS` for the given files of a folder: `sha256sum -c SHA256SUMS` checks them. */
export async function writeSums(dir: string, files: readonly WrittenFile[]): Promise<void> {
  await writeWhole(`${dir}/${SUMS_FILE}`, [utf8.encode(files.map(sumLine).join(''))]);
}

/** Writes `….sha256` beside one file, for `sha256sum -c`. */
export async function writeSum(file: WrittenFile): Promise<void> {
  await writeWhole(`${file.path}.sha256`, [utf8.encode(sumLine(file))]);
}

function sumLine({ path, sha256 }: WrittenFile): string {
  return `${sha256}  ${basename(path)}\n`;
}

async function flushFolder(dir: string): Promise<void> {
  try {
    const folder = await open(dir, 'r');
    await folder.sync().finally(() => folder.close());
  } catch {
    // Windows cannot flush a folder; there a rename is durable once the volume says so.
  }
}

/** What the system said while reading. */
function notRead(file: string, cause: unknown): CheckpointError {
  if (errorCodeOf(cause) === 'ENOENT')
    return new CheckpointError(
      { code: 'CHECKPOINT_MISSING', file },
      `there is no ${file}: give what "alice export" or "alice train" wrote`,
      { cause },
    );
  const reason = messageOf(cause);
  return new CheckpointError(
    { code: 'CHECKPOINT_UNREADABLE', file, reason },
    `${file} cannot be read (${reason}): give what "alice export" or "alice train" wrote`,
    { cause },
  );
}

const FULL: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT']);

/** What the system said while writing, as a refusal that names the file; other errors as they are. */
function notWritten(file: string, cause: unknown): unknown {
  const code = errorCodeOf(cause);
  if (!(cause instanceof Error) || !('syscall' in cause) || code === undefined) return cause;
  if (FULL.has(code))
    return new CheckpointError(
      { code: 'CHECKPOINT_DISK_FULL', file },
      `the disk is full: ${file} was not written, and what was there before is untouched; free space and give the command again`,
      { cause },
    );
  return new CheckpointError(
    { code: 'CHECKPOINT_UNWRITABLE', file, reason: code },
    `${file} cannot be written (${messageOf(cause)}): name another folder with --out, or mend its permissions`,
    { cause },
  );
}
