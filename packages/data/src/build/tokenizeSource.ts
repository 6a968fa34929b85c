/** @file Reads every document of a source once, drops exact duplicates, and spills the tokens of the others. */
import { createHash } from 'node:crypto';
import type { Logger } from '@alice/protocol';
import type { SourceInfo } from '../datasetFields.js';
import { DataError } from '../errors.js';
import { documentSignature, SIGNATURE_BYTES } from '../near/documentSignature.js';
import type { ShardTokenizer } from '../shardTokenizer.js';
import { type DocumentOptions, documentsOf } from '../sources/documentsOf.js';
import { ReadAccount } from '../sources/openBytes.js';
import type { SourceFile } from '../sources/SourceFile.js';
import type { Inventory } from '../sources/takeInventory.js';
import { FaultList } from '../stream/FaultList.js';
import { sourceInfoOf } from '../stream/sourceInfoOf.js';
import type { SpilledDocument } from './planSplits.js';
import type { TokenSpill } from './TokenSpill.js';

export interface TokenizeOptions {
  readonly inventory: Inventory;
  readonly tokenizer: ShardTokenizer;
  readonly spill: TokenSpill;
  readonly documentLimit: number;
  readonly lineLimitBytes: number;
  readonly onInvalid: 'refuse' | 'skip';
  /** Whether to make signatures for finding near-duplicates. */
  readonly isSigned: boolean;
  readonly logger: Logger;
  readonly signal?: AbortSignal | undefined;
  /** Called after each file with the bytes read so far. */
  readonly onBytes: (bytes: number, documents: number) => void;
}

export interface TokenizedSource {
  readonly documents: readonly SpilledDocument[];
  readonly sources: readonly SourceInfo[];
  readonly duplicatesDropped: number;
}

/** Throws what reading a file throws, `JSON_LINE_INVALID`, `SOURCE_CHANGED`. Cost: one reading; memory per document. */
export async function tokenizeSource(options: TokenizeOptions): Promise<TokenizedSource> {
  const { inventory, logger, onInvalid, spill } = options;
  const documents: SpilledDocument[] = [];
  const sources: SourceInfo[] = [];
  const seen = new Set<string>();
  let [duplicatesDropped, bytes] = [0, 0];
  for (const file of inventory.files) {
    const before = documents.length;
    const faults = new FaultList(onInvalid);
    const onInvalidLine = (error: DataError): void => {
      faults.add(error);
      logger.warn('Line left out: no document', { ...error.info });
    };
    for await (const text of unchangedDocuments(file, { ...options, onInvalidLine })) {
      options.signal?.throwIfAborted();
      const hash = createHash('sha256').update(text).digest('hex');
      if (seen.has(hash)) {
        duplicatesDropped++;
        continue;
      }
      seen.add(hash);
      const from = spill.length;
      await spill.append(options.tokenizer.encode(text));
      await spill.append(Uint16Array.of(options.tokenizer.separator));
      const signature = options.isSigned ? new Uint8Array(SIGNATURE_BYTES) : null;
      if (signature !== null) documentSignature(text, signature);
      documents.push({ hash, from, tokens: spill.length - from, source: sources.length, signature });
    }
    const found = { faultCount: faults.count, faults: faults.listed };
    sources.push(sourceInfoOf({ ...file, ...found }, documents.length - before));
    bytes += file.bytes;
    options.onBytes(bytes, documents.length);
  }
  await spill.flush();
  return { documents, sources, duplicatesDropped };
}

/** The documents of a file that was valid when the inventory was taken: that it no longer is means it changed. */
async function* unchangedDocuments(
  file: SourceFile,
  options: Omit<DocumentOptions, 'account'>,
): AsyncGenerator<string> {
  const account = new ReadAccount();
  try {
    yield* documentsOf(file, { ...options, account });
  } catch (cause) {
    const isChanged =
      cause instanceof DataError && (cause.code === 'TEXT_NOT_UTF8' || cause.code === 'SOURCE_MISSING');
    throw isChanged ? changed(file, cause) : cause;
  }
  if (account.sha256() !== file.sha256) throw changed(file);
}

function changed({ absolutePath }: SourceFile, cause?: unknown): DataError {
  return new DataError(
    { code: 'SOURCE_CHANGED', path: absolutePath },
    `${absolutePath} changed while the dataset was being built: build it again when the file is complete`,
    { cause },
  );
}
