/**
 * @file Looks at every file of a source before anything is built: size, hash, and whether it is UTF-8. A build with the
 * same inventory and options gives the same bytes, so the inventory also tells whether there is anything to do.
 */
import { createHash } from 'node:crypto';
import type { Logger } from '@alice/protocol';
import { DataError } from '../errors.js';
import { findFiles } from './findFiles.js';
import { readBytes, Utf8Chunks } from './readText.js';
import type { FoundFile, SourceFile } from './SourceFile.js';

export interface Inventory {
  readonly files: readonly SourceFile[];
  readonly bytes: number;
  /** Files left out because they are not UTF-8; always 0 unless invalid input is to be skipped. */
  readonly skippedFiles: number;
}

export interface InventoryOptions {
  readonly source: string;
  /** What to do with a file that is not UTF-8. */
  readonly onInvalid: 'refuse' | 'skip';
  readonly logger: Logger;
  readonly signal?: AbortSignal | undefined;
}

/** Throws what `findFiles` throws, and `TEXT_NOT_UTF8`. Cost: one reading of the source. */
export async function takeInventory(options: InventoryOptions): Promise<Inventory> {
  const files: SourceFile[] = [];
  let skippedFiles = 0;
  for (const found of await findFiles(options.source)) {
    options.signal?.throwIfAborted();
    const file = await inspect(found, options);
    if (file === null) skippedFiles++;
    else files.push(file);
  }
  return { files, bytes: files.reduce((sum, file) => sum + file.bytes, 0), skippedFiles };
}

async function inspect(
  found: FoundFile,
  { onInvalid, logger }: InventoryOptions,
): Promise<SourceFile | null> {
  const hash = createHash('sha256');
  const chunks = new Utf8Chunks(found.absolutePath);
  let bytes = 0;
  try {
    for await (const chunk of readBytes(found.absolutePath)) {
      hash.update(chunk);
      chunks.push(chunk);
      bytes += chunk.length;
    }
    chunks.finish();
  } catch (error) {
    if (onInvalid === 'refuse' || !(error instanceof DataError) || error.code !== 'TEXT_NOT_UTF8')
      throw error;
    logger.warn('File left out: not UTF-8', { ...error.info });
    return null;
  }
  return { ...found, bytes, sha256: `0x${hash.digest('hex')}` };
}
