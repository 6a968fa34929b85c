/**
 * @file The text files of a source: the built-in corpus, one file, or a folder with all folders below. Names that
 * begin with a dot and symbolic links are passed over; the order is that of the names' UTF-16 units on every system.
 */
import { readdir, stat } from 'node:fs/promises';
import { basename, extname, join, resolve } from 'node:path';
import { DataError } from '../errors.js';
import { BUILTIN, builtinFiles } from './builtinCorpus.js';
import { unreadable } from './readText.js';
import type { FoundFile, SourceFileKind } from './SourceFile.js';

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
    const files = await filesUnder(path, '');
    if (files.length > 0) return files;
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

async function filesUnder(root: string, below: string): Promise<FoundFile[]> {
  const files: FoundFile[] = [];
  for (const entry of await readdir(join(root, below), { withFileTypes: true })) {
    if (entry.name.startsWith('.')) continue;
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    const kind = kindOf(entry.name);
    if (entry.isDirectory()) files.push(...(await filesUnder(root, path)));
    else if (entry.isFile() && kind !== undefined) files.push({ path, absolutePath: join(root, path), kind });
  }
  return files;
}

function kindOf(name: string): SourceFileKind | undefined {
  return KINDS.get(extname(name).toLowerCase());
}
