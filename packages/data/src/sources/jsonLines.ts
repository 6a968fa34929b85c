/**
 * @file The lines of one JSON lines file as text, with their places; blank ones are passed over. A line that is too long or
 * not UTF-8 is a fault and left out. Whether a line is JSON, and of what, is for the caller to say.
 */
import { isUtf8 } from 'node:buffer';
import { DataError } from '../errors.js';
import { firstInvalidByte } from './firstInvalidByte.js';
import { type Line, LineCutter } from './LineCutter.js';
import type { ListedFile } from './ListedFile.js';
import { openBytes, type ReadAccount } from './openBytes.js';
import type { WebAccess } from './remote/fetchWithRetries.js';

export interface JsonLine {
  readonly json: string;
  /** Bytes of the unpacked file. */
  readonly from: number;
  readonly to: number;
  /** 1, 2, 3 … */
  readonly number: number;
}

export interface LineOptions {
  /** The longest line, bytes. */
  readonly lineLimitBytes: number;
  readonly access: WebAccess;
  readonly account: ReadAccount;
  /** Called with each fault; throws to stop. */
  readonly onFault: (fault: DataError) => void;
}

/** Longer lines are no documents unless a build says otherwise. */
export const DEFAULT_LINE_LIMIT_BYTES = 64 * 2 ** 20;
const BATCH_LINES = 16;

/**
 * What `read` makes of each line, a batch at a time, faults in the order of the file. Throws what `onFault` throws,
 * `SOURCE_BROKEN`, and the faults of network and disk.
 */
export async function* jsonLines<T>(
  file: ListedFile,
  options: LineOptions,
  read: (line: JsonLine) => T[],
): AsyncGenerator<T[]> {
  const cutter = new LineCutter(options.lineLimitBytes);
  const readLine = (line: Line): T[] => {
    const text = textLine(line, file.path, options);
    return text === null ? [] : read(text);
  };
  for await (const chunk of openBytes(file, options.account, options.access)) {
    const lines = cutter.push(chunk);
    // Few at a time: texts that wait for the others of a chunk would outlive the memory for short-lived things.
    for (let at = 0; at < lines.length; at += BATCH_LINES)
      yield lines.slice(at, at + BATCH_LINES).flatMap(readLine);
  }
  yield cutter.finish().flatMap(readLine);
}

function textLine(line: Line, path: string, { onFault, lineLimitBytes }: LineOptions): JsonLine | null {
  const { bytes, from, to, number } = line;
  if (bytes === null) onFault(lineFault(path, line, `longer than ${lineLimitBytes} bytes`));
  else if (!isUtf8(bytes)) onFault(notUtf8(path, from + firstInvalidByte(bytes)));
  else {
    const text = bytes.toString('utf8');
    // A byte order mark is an encoding sign, not text.
    const json = from === 0 && text.startsWith('\ufeff') ? text.slice(1) : text;
    if (json.trim() !== '') return { json, from, to, number };
  }
  return null;
}

/** A line (or row) that is no document, with its place. */
export function lineFault(
  path: string,
  { number, from }: Pick<JsonLine, 'number' | 'from'>,
  reason: string,
): DataError {
  return new DataError(
    { code: 'JSON_LINE_INVALID', path, line: number, reason, byteOffset: from },
    `${path}, line ${number} (byte ${from}): ${reason}. Correct it, or use --skip-invalid (in code, onInvalid: 'skip') to leave it out`,
  );
}

function notUtf8(path: string, byteOffset: number): DataError {
  return new DataError(
    { code: 'TEXT_NOT_UTF8', path, byteOffset },
    `${path} is not UTF-8 at byte ${byteOffset}: convert it, or use --skip-invalid (in code, onInvalid: 'skip') to leave it out`,
  );
}
