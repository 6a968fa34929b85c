/**
 * @file What can go wrong when the runtime is USED wrongly. A bad extrinsic or a failed call is not an error: it is a
 * return value (`Validity`, `DispatchError`).
 */
import { CodedError } from '@alice/protocol';

export type RuntimeErrorInfo =
  | { code: 'SCALE_INVALID' } // bytes that are not the SCALE encoding they should be
  | { code: 'BLOCK_NUMBER_WRONG'; expected: number; actual: number } // the block does not follow the given state
  | { code: 'TIMESTAMP_NOT_LATER'; parentMs: bigint; actualMs: bigint } // consensus time must increase
  | { code: 'GENESIS_INVALID'; field: string }; // a genesis specification that would break an invariant
export class RuntimeError extends CodedError<RuntimeErrorInfo> {
  override name = 'RuntimeError';
}
