/** @file The files of any source: a file or folder on disk, a web folder, or a data set on a hub. Contents are not read. */
import { stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { DataError } from '../errors.js';
import { isRelativePath } from '../ManifestFields.js';
import { formatOf, type ListedFile, type ListedSource } from './ListedFile.js';
import { unreadable } from './readText.js';
import type { WebAccess } from './remote/fetchWithRetries.js';
import { hubAccess, listHub } from './remote/listHub.js';
import { listWebFolder } from './remote/listWebFolder.js';
import { walkFolder } from './walkFolder.js';
import { writtenPath } from './writtenPath.js';

/** Whether a source is on the web. */
export function isRemote(source: string): boolean {
  return /^(hf:|https?:\/\/)/.test(source);
}

/**
 * Files in the order of their names. Throws `SOURCE_MISSING`, `SOURCE_UNREADABLE`, `SOURCE_UNSUPPORTED`, `SOURCE_EMPTY`
 * and what web requests throw.
 */
export async function listSource(source: string, access: WebAccess = {}): Promise<ListedSource> {
  const { pinned, files } = await list(source, access);
  if (files.length === 0)
    throw new DataError(
      { code: 'SOURCE_EMPTY', path: source, files: 0 },
      `${source} holds no .txt, .jsonl or .parquet file (.txt and .jsonl also as .gz or .zst): name another place`,
    );
  const sorted = [...files].sort((a, b) => (a.path < b.path ? -1 : 1));
  for (const [i, { path }] of sorted.entries())
    if (!isRelativePath(writtenPath(path)) || path === sorted[i - 1]?.path) throw strangeName(source, path);
  return { pinned, files: sorted };
}

/** Manifests have no place for such a name: better said now than after hours. */
function strangeName(source: string, path: string): DataError {
  return new DataError(
    { code: 'SOURCE_UNSUPPORTED', path },
    `${source} lists a file by the name ${JSON.stringify(path)}, which is not that of one file below it: rename it there`,
  );
}

function list(source: string, access: WebAccess): Promise<ListedSource> {
  if (source.startsWith('hf:')) return listHub(source, { ...hubAccess(), ...access });
  return isRemote(source) ? listWebFolder(source, { ...hubAccess(), ...access }) : listDisk(resolve(source));
}

async function listDisk(root: string): Promise<ListedSource> {
  try {
    if ((await stat(root)).isDirectory()) return { pinned: basename(root), files: await filesUnder(root) };
    const file = await inspect(root, basename(root));
    if (file !== null) return { pinned: basename(root), files: [file] };
  } catch (cause) {
    throw unreadable(root, cause);
  }
  throw new DataError(
    { code: 'SOURCE_UNSUPPORTED', path: root },
    `${root} is neither .txt, .jsonl nor .parquet: convert it, or rename it if it is plain text`,
  );
}

async function filesUnder(root: string): Promise<ListedFile[]> {
  const found = await walkFolder(root, (name) => formatOf(name) !== undefined);
  const files: ListedFile[] = [];
  for (const { address, path } of found) {
    const file = await inspect(address, path);
    if (file !== null) files.push(file);
  }
  return files;
}

async function inspect(address: string, path: string): Promise<ListedFile | null> {
  const format = formatOf(path);
  if (format === undefined) return null;
  const { size } = await stat(address);
  const version = await versionOnDisk(address);
  return { ...format, path, location: { at: 'disk', address }, bytes: size, version, sha256: null };
}

/** Another text when the file may have changed. */
export async function versionOnDisk(address: string): Promise<string> {
  const { size, mtimeMs } = await stat(address);
  return `${size} ${Math.floor(mtimeMs)}`;
}
