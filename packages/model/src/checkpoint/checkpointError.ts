/** @file What writing and reading of checkpoints refuses. Every refusal names the file, and the tensor where there is one. */
import { CodedError } from '@alice/protocol';

export type CheckpointErrorInfo =
  | { code: 'CHECKPOINT_MISSING'; file: string }
  /** The system does not read the file, or what is named is no file. */
  | { code: 'CHECKPOINT_UNREADABLE'; file: string; reason: string }
  /** The file could not be written: it is what it was before. */
  | { code: 'CHECKPOINT_DISK_FULL'; file: string }
  | { code: 'CHECKPOINT_UNWRITABLE'; file: string; reason: string }
  /** The file ends before what its header announces. `tensor` is the first one that is not whole. */
  | { code: 'CHECKPOINT_TRUNCATED'; file: string; tensor?: string; needBytes: number; gotBytes: number }
  /** The header contradicts itself or the file. */
  | { code: 'CHECKPOINT_CORRUPT'; file: string; tensor?: string; reason: string }
  /** Bytes that are not those that were written: of a tensor, of a file's head, or of a file without tensors. */
  | { code: 'CHECKPOINT_HASH_MISMATCH'; file: string; tensor?: string; expected: string; actual: string }
  | { code: 'CHECKPOINT_DTYPE_UNKNOWN'; file: string; tensor: string; dtype: string }
  | { code: 'CHECKPOINT_TENSOR_MISSING'; file: string; tensor: string }
  | { code: 'CHECKPOINT_TENSOR_UNEXPECTED'; file: string; tensor: string }
  | {
      code: 'CHECKPOINT_SHAPE';
      file: string;
      tensor: string;
      want: readonly number[];
      got: readonly number[];
    }
  | { code: 'CHECKPOINT_NOT_FINITE'; file: string; tensor: string; element: number }
  /** config.json describes a model this package does not compute. */
  | { code: 'CHECKPOINT_CONFIG'; file: string; field: string };

export class CheckpointError extends CodedError<CheckpointErrorInfo> {
  override name = 'CheckpointError';
}

/** A refusal because of what lies in the file. */
export function corrupt(file: string, reason: string, tensor?: string): CheckpointError {
  const where = tensor === undefined ? '' : `, tensor "${tensor}"`;
  return new CheckpointError(
    { code: 'CHECKPOINT_CORRUPT', file, reason, ...(tensor === undefined ? {} : { tensor }) },
    `${file}${where}: ${reason}. Copy or export the checkpoint again`,
  );
}

/** A refusal because the file is too short. */
export function truncated(
  file: string,
  { needBytes, gotBytes, tensor }: { needBytes: number; gotBytes: number; tensor?: string | undefined },
): CheckpointError {
  const where = tensor === undefined ? 'in its header' : `within tensor "${tensor}"`;
  return new CheckpointError(
    {
      code: 'CHECKPOINT_TRUNCATED',
      file,
      needBytes,
      gotBytes,
      ...(tensor === undefined ? {} : { tensor }),
    },
    `${file} ends ${where}: it has ${gotBytes} bytes of ${needBytes}. Copy or export the checkpoint again`,
  );
}
