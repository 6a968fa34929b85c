/**
 * @file The text files of a source: the built-in corpus, one file, or a folder with all folders below. Names that
 * begin with a dot are passed over; the order is that of the names' UTF-16 units on every system.
 */
import { stat } from 'node:fs/promises';
import { basename, extname, resolve } from 'node:path';
import { DataError } from '../errors.js';
import { BUILTIN, builtinFiles } from './builtinCorpus.js';
import { unreadable } from './readText.js';
import type { FoundFile, SourceFileKind } from './SourceFile.js';
import { walkFolder } from './walkFolder.js';

const KINDS: ReadonlyMap<string, SourceFileKind> = new Map([
  ['.txt', 'text'],
  ['.jsonl', 'jsonl'],
]);

/** Throws `SOURCE_MISSING`, `SOURCE_UNREADABLE`, `SOURCE_UNSUPPORTED`, `SOURCE_EMPTY`. */
export async function findFiles(source: string): Promise<FoundFile[]> {
  const files = source === BUILTIN ? await builtinFiles() : await filesAt(resolve(source));
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

async function filesAt(path: string): Promise<FoundFile[]> {
  try {
    if (!(await stat(path)).isDirectory()) return [singleFile(path)];
    const files = await walkFolder(path, (name) => kindOf(name) !== undefined);
    if (files.length > 0)
      return files.map((file) => ({
        path: file.path,
        absolutePath: file.address,
        kind: kindOf(file.path)!,
      }));
  } catch (cause) {
    throw unreadable(path, cause);
  }
  throw new DataError(
    { code: 'SOURCE_EMPTY', path, files: 0 },
    `${path} holds no .txt or .jsonl file: put text files there or name another folder`,
  );
}

function singleFile(path: string): FoundFile {
  const kind = kindOf(path);
  if (kind !== undefined) return { path: basename(path), absolutePath: path, kind };
  throw new DataError(
    { code: 'SOURCE_UNSUPPORTED', path },
    `${path} is neither .txt nor .jsonl: convert it, or rename it if it is plain text`,
  );
}

function kindOf(name: string): SourceFileKind | undefined {
  return KINDS.get(extname(name).toLowerCase());
}
