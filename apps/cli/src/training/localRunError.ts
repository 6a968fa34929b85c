/** @file What training, exporting and generating on one machine refuse, besides what the packages below refuse; and writing with it. */
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { CodedError, errorCodeOf, messageOf } from '@alice/protocol';

export type LocalRunErrorInfo =
  /** The folder's network does not answer; only a running one gives out its weights. */
  | { code: 'NETWORK_NOT_RUNNING'; dir: string }
  /** What the server says of a version is not signed by the network's key. */
  | { code: 'VERSION_SIGNATURE_INVALID'; version: number }
  /** The folder holds a training run with another setting. */
  | { code: 'RUN_MISMATCH'; dir: string; setting: string; stored: unknown; asked: unknown }
  | { code: 'RUN_DAMAGED'; file: string; reason: string }
  /** Another process trains in the folder. */
  | { code: 'RUN_BUSY'; dir: string; pid: number | null }
  /** The run is what it was at its last save. */
  | { code: 'RUN_DISK_FULL'; file: string }
  | { code: 'RUN_UNWRITABLE'; file: string; reason: string }
  /** The shards were made with another tokenizer than the preset's. */
  | { code: 'RUN_TOKENIZER'; stored: string; wanted: string }
  /** The dataset is of another kind than the objective learns from. */
  | { code: 'RUN_DATA_KIND'; dir: string; kind: string; wanted: string }
  /** Preference learning needs weights to begin with. */
  | { code: 'RUN_BASE_MISSING' }
  /** A split of the dataset is too small for one step or one row. */
  | { code: 'RUN_DATA_TOO_SMALL'; rows: number; needed: number };

export class LocalRunError extends CodedError<LocalRunErrorInfo> {
  override name = 'LocalRunError';
}

/** Runs a write, and says in a code what the system refused. Throws `RUN_DISK_FULL`, `RUN_UNWRITABLE`. */
export function writing<T>(file: string, write: () => T): T {
  try {
    return write();
  } catch (cause) {
    if (cause instanceof LocalRunError) throw cause;
    const reason = errorCodeOf(cause) ?? 'unknown';
    if (reason === 'ENOSPC' || reason === 'EDQUOT')
      throw new LocalRunError(
        { code: 'RUN_DISK_FULL', file },
        `the disk is full: ${file} was not written; free space and give the same command again, the run goes on after its last save`,
        { cause },
      );
    throw new LocalRunError(
      { code: 'RUN_UNWRITABLE', file, reason },
      `${file} cannot be written (${messageOf(cause)}): mend its permissions, or name another folder with --out`,
      { cause },
    );
  }
}

/** Like Node's recursive `mkdirSync`, which does not end where a folder can never be made, as within /proc. */
export function makeFolder(dir: string): void {
  try {
    mkdirSync(dir);
  } catch (error) {
    if (errorCodeOf(error) === 'EEXIST' && statSync(dir).isDirectory()) return;
    if (errorCodeOf(error) !== 'ENOENT' || existsSync(dirname(dir))) throw error;
    makeFolder(dirname(dir));
    makeFolder(dir);
  }
}
