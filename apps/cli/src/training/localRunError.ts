/** @file What training, exporting and generating on one machine refuse, besides what the packages below refuse. */
import { CodedError } from '@alice/protocol';

export type LocalRunErrorInfo =
  /** The folder's network does not answer; only a running one gives out its weights. */
  | { code: 'NETWORK_NOT_RUNNING'; dir: string }
  /** What the server says of a version is not signed by the network's key. */
  | { code: 'VERSION_SIGNATURE_INVALID'; version: number }
  /** The folder holds a training run with another setting. */
  | { code: 'RUN_MISMATCH'; dir: string; setting: string; stored: unknown; asked: unknown }
  | { code: 'RUN_DAMAGED'; file: string; reason: string }
  /** The shards were made with another tokenizer than the preset's. */
  | { code: 'RUN_TOKENIZER'; stored: string; wanted: string }
  /** Preference learning needs weights to begin with. */
  | { code: 'RUN_BASE_MISSING' }
  /** A split of the dataset is too small for one step or one row. */
  | { code: 'RUN_DATA_TOO_SMALL'; rows: number; needed: number };

export class LocalRunError extends CodedError<LocalRunErrorInfo> {
  override name = 'LocalRunError';
}
