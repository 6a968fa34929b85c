/** @file The files of any source: a file or folder on disk, a web folder, or a data set on a hub. Contents are not read. */
import { readdir, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { DataError } from '../errors.js';
import { formatOf, type ListedFile, type ListedSource } from './ListedFile.js';
import { unreadable } from './readText.js';
import type { WebAccess } from './remote/fetchWithRetries.js';
import { hubAccess, listHub } from './remote/listHub.js';
import { listWebFolder } from './remote/listWebFolder.js';

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
  return { pinned, files: [...files].sort((a, b) => (a.path < b.path ? -1 : 1)) };
}

function list(source: string, access: WebAccess): Promise<ListedSource> {
  if (source.startsWith('hf:')) return listHub(source, { ...hubAccess(), ...access });
  return isRemote(source) ? listWebFolder(source, { ...hubAccess(), ...access }) : listDisk(resolve(source));
}

async function listDisk(root: string): Promise<ListedSource> {
  try {
    if ((await stat(root)).isDirectory())
      return { pinned: basename(root), files: await filesUnder(root, '') };
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

async function filesUnder(root: string, below: string): Promise<ListedFile[]> {
  const files: ListedFile[] = [];
  for (const entry of await readdir(join(root, below), { withFileTypes: true })) {
    if (entry.name.startsWith('.')) continue;
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory()) files.push(...(await filesUnder(root, path)));
    else if (entry.isFile())
      files.push(...[await inspect(join(root, path), path)].filter((file) => file !== null));
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
