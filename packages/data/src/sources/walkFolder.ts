/**
 * @file The files below a folder, symbolic links followed (a hub's local cache consists of them). Each folder and file is
 * visited once, under its own name before that of a link: links in a circle, or many to one place, add nothing.
 */
import type { Dirent } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCodeOf } from '@alice/protocol';
import { DataError } from '../errors.js';

export interface WalkedFile {
  /** Below the folder, "/" between folders. */
  readonly path: string;
  readonly address: string;
}

/**
 * Files for which `isWanted` (by name) holds, in no special order; names that begin with a dot are passed over. Throws
 * `SOURCE_MISSING` for a wanted link that leads nowhere, and what the system throws.
 */
export async function walkFolder(root: string, isWanted: (name: string) => boolean): Promise<WalkedFile[]> {
  const walk = new Walk(isWanted);
  await walk.folder(root, '');
  await walk.links();
  return walk.files;
}

class Walk {
  readonly files: WalkedFile[] = [];
  readonly #isWanted: (name: string) => boolean;
  readonly #seen = new Set<string>();
  #links: WalkedFile[] = [];

  constructor(isWanted: (name: string) => boolean) {
    this.#isWanted = isWanted;
  }

  async folder(address: string, below: string): Promise<void> {
    const own = await realpath(address);
    if (this.#seen.has(own)) return;
    this.#seen.add(own);
    for (const entry of await readdir(address, { withFileTypes: true }))
      if (!entry.name.startsWith('.'))
        await this.#entry(entry, join(address, entry.name), below + entry.name);
  }

  /** What was left for last; folders behind links may hold links in turn. */
  async links(): Promise<void> {
    while (this.#links.length > 0) {
      const links = this.#links.sort((a, b) => (a.path < b.path ? -1 : 1));
      this.#links = [];
      for (const link of links) await this.#follow(link);
    }
  }

  async #entry(entry: Dirent, address: string, path: string): Promise<void> {
    if (entry.isSymbolicLink()) this.#links.push({ path, address });
    else if (entry.isDirectory()) await this.folder(address, `${path}/`);
    else if (entry.isFile() && this.#isWanted(entry.name)) {
      this.#seen.add(await realpath(address));
      this.files.push({ path, address });
    }
  }

  async #follow({ path, address }: WalkedFile): Promise<void> {
    const found = await stat(address).catch((cause: unknown) => {
      if (!['ENOENT', 'ELOOP', 'ENOTDIR'].includes(errorCodeOf(cause) ?? '')) throw cause;
      return null;
    });
    if (found?.isDirectory()) return this.folder(address, `${path}/`);
    if (!this.#isWanted(path)) return;
    if (found === null) throw deadLink(address);
    const own = await realpath(address);
    if (!found.isFile() || this.#seen.has(own)) return;
    this.#seen.add(own);
    this.files.push({ path, address });
  }
}

function deadLink(path: string): DataError {
  return new DataError(
    { code: 'SOURCE_MISSING', path },
    `${path} is a link that leads nowhere: remove it, or bring back what it stands for`,
  );
}
