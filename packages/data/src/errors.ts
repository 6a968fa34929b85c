/**
 * @file Every coded error of the data package. Callers switch on `info.code`; each message names the file and says what
 * to do next.
 */
import { CodedError } from '@alice/protocol';

export type DataErrorInfo =
  /** An option is outside its bounds. */
  | {
      readonly code: 'OPTION_INVALID';
      readonly option: string;
      readonly value: unknown;
      readonly bounds: string;
    }
  /** Nothing exists at the source path. */
  | { readonly code: 'SOURCE_MISSING'; readonly path: string }
  /** The source holds no text file, or its files hold no text. */
  | { readonly code: 'SOURCE_EMPTY'; readonly path: string; readonly files: number }
  /** A file that is neither text nor JSON lines. */
  | { readonly code: 'SOURCE_UNSUPPORTED'; readonly path: string }
  /** The system refused to read a file or folder. */
  | { readonly code: 'SOURCE_UNREADABLE'; readonly path: string }
  /** A file changed while the dataset was being built. */
  | { readonly code: 'SOURCE_CHANGED'; readonly path: string }
  /** A file is not UTF-8: convert it, or build with `onInvalid: 'skip'`. */
  | { readonly code: 'TEXT_NOT_UTF8'; readonly path: string; readonly byteOffset: number }
  /** A line of a JSON lines file is not an object with a `text`. */
  | {
      readonly code: 'JSON_LINE_INVALID';
      readonly path: string;
      readonly line: number;
      readonly reason: string;
      /** Where the line begins in the decompressed file. */
      readonly byteOffset?: number;
    }
  /** Messages that are no conversation: an unknown role, or no text. */
  | { readonly code: 'CHAT_INVALID'; readonly reason: string }
  /** A shard of conversations that no build of this version makes. */
  | { readonly code: 'CONVERSATIONS_INVALID'; readonly file: string; readonly reason: string }
  /** A compressed or parquet file is damaged or cut off. `byteOffset` counts in the file as it is stored. */
  | {
      readonly code: 'SOURCE_BROKEN';
      readonly path: string;
      readonly byteOffset: number;
      readonly reason: string;
    }
  /** The server wants a token, or refuses the one it got. */
  | { readonly code: 'SOURCE_FORBIDDEN'; readonly path: string; readonly status: number }
  /** The server did not answer, or not usefully, after all retries. */
  | { readonly code: 'SOURCE_UNREACHABLE'; readonly path: string; readonly reason: string }
  /** A plain http address of another machine: what it sends could be anybody's. */
  | { readonly code: 'SOURCE_INSECURE'; readonly path: string }
  /** The source ended before the shards asked for were full. */
  | {
      readonly code: 'SOURCE_TOO_SMALL';
      readonly split: string;
      readonly tokens: number;
      readonly neededTokens: number;
    }
  /** Too little text to split into training and validation. */
  | { readonly code: 'TEXT_TOO_SHORT'; readonly tokens: number; readonly neededTokens: number }
  /** Too few documents to keep whole ones for validation. */
  | { readonly code: 'DOCUMENTS_TOO_FEW'; readonly documents: number; readonly duplicatesDropped: number }
  /** The folder holds another dataset: choose another folder or pass `replace`. */
  | { readonly code: 'OUTPUT_OCCUPIED'; readonly dir: string }
  /** Another build is at work in the folder. */
  | { readonly code: 'OUTPUT_BUSY'; readonly dir: string; readonly pid: number; readonly host: string }
  /** No room on the disk. */
  | { readonly code: 'OUTPUT_FULL'; readonly dir: string }
  /** The system refused to write. */
  | { readonly code: 'OUTPUT_UNWRITABLE'; readonly dir: string }
  /** No manifest: the folder is no dataset, or its build did not finish. */
  | { readonly code: 'MANIFEST_MISSING'; readonly file: string }
  /** The manifest is damaged, of another format version, or contradicts itself. */
  | {
      readonly code: 'MANIFEST_INVALID';
      readonly file: string;
      readonly field: string;
      readonly reason: string;
    }
  /** The dataset has no such shard. */
  | { readonly code: 'SHARD_UNKNOWN'; readonly shard: number; readonly shards: number }
  /** A shard's file is gone. */
  | { readonly code: 'SHARD_MISSING'; readonly shard: number; readonly file: string }
  /** A shard's file has another length than the manifest says. */
  | {
      readonly code: 'SHARD_TRUNCATED';
      readonly shard: number;
      readonly file: string;
      readonly wantBytes: number;
      readonly gotBytes: number;
    }
  /** A shard's bytes are not the ones the manifest names. */
  | {
      readonly code: 'SHARD_HASH_MISMATCH';
      readonly shard: number;
      readonly file: string;
      readonly expected: string;
      readonly actual: string;
    }
  /** A shard holds an id that its tokenizer does not have. */
  | {
      readonly code: 'SHARD_TOKEN_OUT_OF_RANGE';
      readonly shard: number;
      readonly position: number;
      readonly token: number;
      readonly vocab: number;
    }
  /** The shards do not hold as many separators as the manifest names documents. */
  | { readonly code: 'DOCUMENTS_MISCOUNTED'; readonly expected: number; readonly actual: number }
  /** The same document is in two splits. */
  | {
      readonly code: 'SPLIT_OVERLAP';
      readonly shard: number;
      readonly position: number;
      readonly split: string;
    }
  /** A shard's tokens are not those that its source gives. */
  | {
      readonly code: 'PROVENANCE_MISMATCH';
      /** Absent for conversations, whose shards do not say where they come from. */
      readonly shard?: number;
      readonly source: string;
      readonly reason: string;
    }
  /** The file of block hashes does not agree with the manifest. */
  | { readonly code: 'BLOCKS_INVALID'; readonly file: string; readonly shard: number }
  /** The dataset was made with another tokenizer. */
  | { readonly code: 'TOKENIZER_MISMATCH'; readonly expected: string; readonly actual: string }
  /** No training shard is long enough for one task. */
  | { readonly code: 'SHARDS_TOO_SHORT'; readonly tokensPerTask: number; readonly longestTokens: number }
  /** The split holds fewer rows than asked for. */
  | { readonly code: 'ROWS_TOO_FEW'; readonly neededRows: number; readonly availableRows: number };

export class DataError extends CodedError<DataErrorInfo> {
  override name = 'DataError';
}

/** Refuses an option that is not an integer in [least, most]. Throws `OPTION_INVALID`. */
export function requireInteger(
  option: string,
  value: number,
  least: number,
  most = Number.MAX_SAFE_INTEGER,
): void {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return;
  const bounds =
    most === Number.MAX_SAFE_INTEGER ? `an integer from ${least}` : `an integer from ${least} to ${most}`;
  throw new DataError(
    { code: 'OPTION_INVALID', option, value, bounds },
    `${option} must be ${bounds}, not ${value}`,
  );
}
