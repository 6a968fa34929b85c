/**
 * @file Everything a wire decoder or encoder may refuse, as data. Peers send these bytes, so each member carries the
 * numbers a log or a test needs and nothing of the peer's content.
 */
import { CodedError } from '../errors.js';

export type WireErrorInfo =
  | { code: 'WIRE_MAGIC'; format: string } // not this format at all: check what was uploaded
  | { code: 'WIRE_VERSION'; format: string; version: number; supported: number } // update the older side
  | { code: 'WIRE_SIGN'; sign: number } // only theta_new − theta_old exists
  | { code: 'WIRE_DTYPE'; dtype: number } // not on the whitelist of this format
  | { code: 'WIRE_FIELD'; field: string; value: number | string } // a header field outside its range
  | { code: 'WIRE_UNEXPECTED'; field: string; expected: string; actual: string } // well formed, but for another task
  | { code: 'WIRE_TRUNCATED'; needBytes: number; gotBytes: number }
  | { code: 'WIRE_TRAILING_BYTES'; expectedBytes: number; gotBytes: number }
  | { code: 'WIRE_EMPTY' } // a delta without entries says nothing
  | { code: 'WIRE_ENTRY_LIMIT'; entries: number; maxEntries: number }
  | { code: 'WIRE_COUNT'; what: 'entries' | 'chunk' | 'tensors' | 'values'; expected: number; got: number }
  | { code: 'WIRE_INFLATE_LIMIT'; declaredBytes: number; allowedBytes: number } // refused before or while inflating
  | { code: 'WIRE_INFLATE_SHORT'; expectedBytes: number; gotBytes: number }
  | { code: 'WIRE_INFLATE_INVALID'; atByte: number } // not a zlib stream
  | { code: 'WIRE_INFLATE_BLOCKS'; allowedBlocks: number } // cut into pieces so small that reading them is the attack
  | { code: 'WIRE_CHECKSUM' } // damaged on the way: send it again
  | { code: 'WIRE_NOT_CANONICAL'; atByte: number } // not the one encoding that its content has
  | { code: 'WIRE_TENSOR_ORDER'; tensor: number; previous: number }
  | { code: 'WIRE_TENSOR_RANGE'; tensor: number; tensors: number }
  | { code: 'WIRE_INDEX_ORDER'; tensor: number; index: number; previous: number }
  | { code: 'WIRE_INDEX_RANGE'; tensor: number; index: number; size: number }
  | { code: 'WIRE_NOT_FINITE'; tensor: number; index: number } // tensor −1: a header field
  | { code: 'WIRE_SIZE'; expected: number; got: number } // a vector that does not fit the layout
  | { code: 'WIRE_INDEX_FORMAT'; field: string } // a snapshot index that contradicts itself
  | { code: 'WIRE_SNAPSHOT_LIMIT'; sizeBytes: number; maxBytes: number } // a snapshot larger than the model
  | { code: 'WIRE_CHUNK_HASH'; chunk: number; expected: string; actual: string } // fetch it from another mirror
  | { code: 'WIRE_CHUNK_MISSING'; missing: number; chunks: number };

export type WireErrorCode = WireErrorInfo['code'];

/** A refused byte string or vector; `info` says where and by how much. */
export class WireError extends CodedError<WireErrorInfo> {
  override name = 'WireError';
}
