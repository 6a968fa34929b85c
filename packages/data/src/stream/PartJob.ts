/** @file The kinds of parts that can be made of a source file, with the settings each follows. */
import { conversationPieces } from '../conversation/conversationPieces.js';
import type { ConversationSettings } from '../conversation/conversationSettings.js';
import type { ShardTokenizer } from '../shardTokenizer.js';
import type { LineOptions } from '../sources/jsonLines.js';
import type { ListedFile } from '../sources/ListedFile.js';
import type { MadeDocument } from './PartFiles.js';
import type { StreamSettings } from './settings.js';
import { textPieces } from './textPieces.js';

export type PartJob =
  | { readonly content: 'text'; readonly settings: StreamSettings }
  | { readonly content: 'conversations'; readonly settings: ConversationSettings };

/** A document (or conversation) of a source file, ready for its part. */
export interface PartPiece extends MadeDocument {
  readonly textBytes: number;
}

export interface PieceReading extends LineOptions {
  readonly file: ListedFile;
  readonly tokenizer: ShardTokenizer;
  /** Where a parquet file from the web lies on disk. */
  readonly localCopy?: string;
  /** Called with the bytes that a parquet file from the web is read in; other formats count in `account`. */
  readonly onParquetBytes?: (added: number) => void;
}

/** The pieces of a file in its order. Throws what `onFault` throws and the faults of the network or disk. */
export function piecesOf(job: PartJob, reading: PieceReading): AsyncIterable<PartPiece> {
  return job.content === 'text'
    ? textPieces(job.settings, reading)
    : conversationPieces(job.settings, reading);
}
