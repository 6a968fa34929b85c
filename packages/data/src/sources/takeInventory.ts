/**
 * @file Looks at every file of a source before anything is built: size, hash, and whether it is UTF-8. A build with the
 * same inventory and options gives the same bytes, so the inventory also tells whether there is anything to do.
 */
import type { Logger } from '@alice/protocol';
import type { SourceInfo } from '../datasetFields.js';
import { DataError } from '../errors.js';
import { FaultList } from '../stream/FaultList.js';
import { findFiles } from './findFiles.js';
import { ReadAccount } from './openBytes.js';
import { readBytes, Utf8Chunks } from './readText.js';
import type { FoundFile, SourceFile } from './SourceFile.js';
import { writtenPath } from './writtenPath.js';

export interface Inventory {
  readonly files: readonly SourceFile[];
  readonly bytes: number;
  /** Files left out because they are not UTF-8, each with its fault; none unless invalid input is to be skipped. */
  readonly leftOut: readonly SourceInfo[];
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
  const leftOut: SourceInfo[] = [];
  for (const found of await findFiles(options.source)) {
    options.signal?.throwIfAborted();
    const { fault, ...content } = await inspect(found);
    if (fault === null) files.push({ ...found, ...content });
    else if (options.onInvalid === 'refuse') throw fault;
    else {
      options.logger.warn('File left out: not UTF-8', { ...fault.info });
      leftOut.push({ ...content, ...faultsOf(fault), path: writtenPath(found.path), documents: 0 });
    }
  }
  return { files, bytes: files.reduce((sum, file) => sum + file.bytes, 0), leftOut };
}

async function inspect({
  absolutePath,
}: FoundFile): Promise<Pick<SourceFile, 'bytes' | 'sha256'> & { fault: DataError | null }> {
  const account = new ReadAccount();
  const chunks = new Utf8Chunks(absolutePath);
  let fault: DataError | null = null;
  const check = (push: () => unknown): void => {
    try {
      if (fault === null) push();
    } catch (error) {
      if (!(error instanceof DataError) || error.code !== 'TEXT_NOT_UTF8') throw error;
      fault = error;
    }
  };
  for await (const chunk of readBytes(absolutePath)) {
    account.add(chunk);
    check(() => chunks.push(chunk));
  }
  check(() => chunks.finish());
  return { bytes: account.bytes, sha256: account.sha256(), fault };
}

function faultsOf(fault: DataError): Pick<SourceInfo, 'faultCount' | 'faults'> {
  const list = new FaultList('skip');
  list.add(fault);
  return { faultCount: list.count, faults: list.listed };
}
