/** @file Reads every document of a source once, drops exact duplicates, and spills the tokens of the others. */
import { createHash } from 'node:crypto';
import type { Logger } from '@alice/protocol';
import { DataError } from '../errors.js';
import type { SourceInfo } from '../manifest.js';
import { documentSignature, SIGNATURE_BYTES } from '../near/documentSignature.js';
import type { ShardTokenizer } from '../shardTokenizer.js';
import { documentsOf } from '../sources/documentsOf.js';
import type { SourceFile } from '../sources/SourceFile.js';
import type { Inventory } from '../sources/takeInventory.js';
import type { SpilledDocument } from './planSplits.js';
import type { TokenSpill } from './TokenSpill.js';

export interface TokenizeOptions {
  readonly inventory: Inventory;
  readonly tokenizer: ShardTokenizer;
  readonly spill: TokenSpill;
  readonly documentLimit: number;
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
  readonly skippedLines: number;
}

/** Throws what reading a file throws, `JSON_LINE_INVALID`, `SOURCE_CHANGED`. Cost: one reading; memory per document. */
export async function tokenizeSource(options: TokenizeOptions): Promise<TokenizedSource> {
  const { inventory, logger, onInvalid, spill } = options;
  const documents: SpilledDocument[] = [];
  const sources: SourceInfo[] = [];
  const seen = new Set<string>();
  let [duplicatesDropped, skippedLines, bytes] = [0, 0, 0];
  const onInvalidLine = (error: DataError): void => {
    if (onInvalid === 'refuse') throw error;
    skippedLines++;
    logger.warn('Line left out: no document', { ...error.info });
  };
  for (const file of inventory.files) {
    const before = documents.length;
    for await (const text of unchangedDocuments(file, options.documentLimit, onInvalidLine)) {
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
    sources.push({ ...namedSource(file), documents: documents.length - before });
    bytes += file.bytes;
    options.onBytes(bytes, documents.length);
  }
  await spill.flush();
  return { documents, sources, duplicatesDropped, skippedLines };
}

/** The documents of a file that was valid when the inventory was taken: that it no longer is means it changed. */
async function* unchangedDocuments(
  file: SourceFile,
  documentLimit: number,
  onInvalidLine: (error: DataError) => void,
): AsyncGenerator<string> {
  try {
    yield* documentsOf(file, { documentLimit, onInvalidLine });
  } catch (cause) {
    const isChanged =
      cause instanceof DataError && (cause.code === 'TEXT_NOT_UTF8' || cause.code === 'SOURCE_MISSING');
    if (!isChanged) throw cause;
    throw new DataError(
      { code: 'SOURCE_CHANGED', path: file.absolutePath },
      `${file.absolutePath} changed while the dataset was being built: build it again when the file is complete`,
      { cause },
    );
  }
}

/** A file as the manifest names it; what no system takes in a name is percent-encoded, and so is "%" itself. */
function namedSource({ path, bytes, sha256 }: SourceFile): Omit<SourceInfo, 'documents'> {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is replaced.
  const safe = path.replace(/[\\%\u0000-\u001f\u007f]|(?<=^[A-Za-z]|\/[A-Za-z]):/g, encodeURIComponent);
  return { path: safe, bytes, sha256 };
}
