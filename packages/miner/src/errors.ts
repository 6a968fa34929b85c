/** @file Every coded error of the miner. Refusals of the server keep the server's code (see `refusalOf` in protocol). */
import { CodedError } from '@alice/protocol';

export type MinerErrorInfo =
  | { code: 'MINER_DIR_LOCKED'; dir: string; pid: number; host: string } // another miner works in this folder
  | { code: 'MODEL_TOO_LARGE'; parameters: number; most: number } // for this kind of device
  | { code: 'MINER_BUSY_ELSEWHERE' } // another tab of this browser mines for this network
  | { code: 'MINER_DIR_MISMATCH'; dir: string; field: string; expected: string; actual: string } // another network's folder
  | { code: 'VERSION_SIGNATURE_INVALID'; version: number } // not signed by this network's parameter server
  | { code: 'TASK_VERSION_WRONG'; version: number; expected: string; actual: string } // task and manifest disagree: ask again
  | { code: 'TASK_INVALID'; field: string } // the task cannot be done as it stands
  | { code: 'DOWNLOAD_CORRUPT'; hash: string; actual: string } // fetched bytes do not have the hash they were asked by
  | { code: 'MIRROR_FAILED'; url: string } // a data mirror does not answer as it should: another place is asked
  | { code: 'SHARD_UNKNOWN'; shard: number } // not in the server's list
  | { code: 'SYNC_FIRST'; version: number } // no weights of the task's version yet
  | { code: 'WORK_UNKNOWN'; taskId: string } // nothing saved for that task
  | { code: 'STATE_NOT_SAVED'; path: string } // read-only, or gone: nothing was sent
  | { code: 'DISK_FULL'; path: string }; // nothing was sent, nothing is lost: it is saved once there is room

export class MinerError extends CodedError<MinerErrorInfo> {
  override name = 'MinerError';
}
