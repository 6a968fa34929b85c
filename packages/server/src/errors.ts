/**
 * @file Every refusal of the parameter server as data with a code, and the one table from code to HTTP status. Wire
 * and data errors of other packages travel with their own codes; the table's default for them is 400.
 */
import { CodedError, errorCodeOf } from '@alice/protocol';

export type ServerErrorInfo =
  | { code: 'BAD_REQUEST'; field: string } // the message does not have the shape the route table says
  | { code: 'BODY_TOO_LARGE'; limitBytes: number } // more bytes than any valid body of this route has
  | { code: 'MEDIA_TYPE_UNSUPPORTED' } // JSON for messages, application/octet-stream for bytes
  | { code: 'NOT_FOUND' } // no such route, blob, version or job
  | { code: 'INTERNAL'; errorId: string } // a fault of the server; the log has the rest under this id
  | { code: 'RATE_LIMITED'; retryAfterMs: number } // slow down; the answer has Retry-After
  | { code: 'BUSY'; retryAfterMs: number } // too many requests are being worked on at once
  | { code: 'TOKEN_MISSING' } // register first
  | { code: 'TOKEN_INVALID' } // unknown or expired: register again
  | { code: 'ROLE_FORBIDDEN'; role: string } // the token's role may not call this route
  | { code: 'BANNED'; address: string; reason: string } // the operator or the chain excluded this address
  | { code: 'OPERATOR_MESSAGE_OLD'; serverTimeMs: number } // signed more than a minute ago
  | { code: 'CHALLENGE_UNKNOWN' } // never issued, used already, or older than its minute
  | { code: 'SIGNATURE_INVALID' } // the key of that address did not sign this challenge
  | { code: 'INSTANCE_LIMIT'; limit: number } // one address may run only so many devices
  | { code: 'TASK_UNKNOWN' } // no such task for this address and instance
  | { code: 'TASK_EXPIRED'; deadlineMs: number } // the deadline passed or the round moved on: take a new task
  | { code: 'NONCE_WRONG' } // the header's nonce is not the task's
  | { code: 'NONCE_USED'; submissionId: string; identical: boolean } // `identical`: the same bytes were received before
  | { code: 'STATE_ROOT_WRONG'; expected: string; actual: string } // trained from another model: sync again
  | { code: 'STALE_VERSION'; version: number; current: number } // more than one version behind
  | { code: 'CLAIM_INVALID'; field: string } // the header claims more steps or tokens than the task has
  | { code: 'SUBMISSION_UNKNOWN' }
  | { code: 'SHARD_UNKNOWN'; shard: number }
  | { code: 'SHARD_PRIVATE'; shard: number } // validation shards never leave the server (DATA-1)
  | { code: 'JOB_UNKNOWN' }
  | { code: 'JOB_NOT_YOURS' } // the lease ran out or belongs to another scorer
  | { code: 'RESULT_INVALID'; reason: string } // the losses do not fit the job's batch
  | { code: 'RECEIPT_INVALID'; submissionId: string; field: string } // a region's receipt claims more than its task has
  | { code: 'RECEIPT_FORGED'; submissionId: string } // the region did not sign it
  | { code: 'RECEIPT_MINER_UNKNOWN'; submissionId: string; address: string } // the miner did not register with that region
  | { code: 'RECEIPT_TAKEN'; submissionId: string } // that device is counted in this round already
  | { code: 'AUDIT_UNKNOWN'; submissionId: string } // nobody asked for this submission
  | { code: 'AUDIT_WRONG'; submissionId: string; field: string } // not the bytes that the receipt is about
  | { code: 'UPSTREAM_MISMATCH'; field: string; expected: string; actual: string } // a region must be of its upstream's network
  | { code: 'UPSTREAM_BLOB_INVALID'; hash: string; actual: string } // what it gave is not what was asked for
  | { code: 'UPSTREAM_SIGNATURE_INVALID'; version: number } // not signed by the upstream: not passed on
  | { code: 'RANGE_INVALID'; sizeBytes: number }
  | { code: 'PORT_BUSY'; port: number } // another program listens there
  | { code: 'LISTEN_FAILED'; host: string; port: number; reason: string } // the address cannot be listened on
  | { code: 'DATA_MISMATCH'; field: string; expected: string; actual: string } // the dataset is for another tokenizer or model
  | { code: 'VALIDATION_TOO_SMALL'; rows: number; needed: number } // too little validation text to judge updates
  | { code: 'SERVER_DIR_LOCKED'; dir: string } // another server works in this folder
  | { code: 'SERVER_DIR_MISMATCH'; dir: string; field: string; expected: string; actual: string } // another network's state
  | { code: 'SERVER_DIR_TOO_NEW'; dir: string; found: number; known: number } // written by a later release
  | { code: 'SERVER_STATE_LOST'; dir: string; epochs: number } // the chain settled epochs of a server that is not in this database
  | { code: 'BEGIN_ANEW_WRONG'; asked: number; epoch: number } // the chain is at another epoch than the one to begin anew at
  | { code: 'BLOB_MISSING'; hash: string } // state refers to bytes that are not on disk
  | { code: 'BLOB_CORRUPT'; hash: string; actual: string }
  | { code: 'BLOBS_URL_INVALID' }
  | { code: 'BLOBS_CREDENTIALS_MISSING' } // the object store's keys are not in the environment
  | { code: 'BLOBS_UNREACHABLE'; reason: string; retryAfterMs: number } // the object store is away
  | { code: 'BLOBS_REFUSED'; reason: string } // the object store says no: credentials, bucket or region
  | { code: 'DATABASE_URL_INVALID' }
  | { code: 'DATABASE_UNREACHABLE'; retryAfterMs: number } // the database is away; nothing was acknowledged
  | { code: 'DISK_FULL'; retryAfterMs: number } // no space for what was sent: nothing was acknowledged; free some
  | { code: 'NOT_READY'; retryAfterMs: number } // no version has been published yet
  | { code: 'LEADERSHIP_LOST'; role: string } // another node leads now; this one stopped in time
  | { code: 'BACKUP_INVALID'; reason: string }
  | { code: 'BACKUP_EMPTY' } // nothing is there to be backed up: another folder or database is meant
  | { code: 'BACKUP_OF_ANOTHER'; networkId: string; found: string } // the folder holds the backup of another server
  | { code: 'RESTORE_NOT_EMPTY' } // a restore never overwrites
  | { code: 'CHAIN_NEEDED' } // a first start must learn the network id from the chain
  | { code: 'COMPUTE_STOPPED'; retryAfterMs: number } // the compute thread ended; the work is repeated
  | { code: 'REQUEST_SLOW' } // its headers or its body did not arrive in time
  | { code: 'UPLOAD_SLOW'; idleMs: number } // nothing, or too little, came for too long: send it again
  | { code: 'UPLOAD_ABORTED' } // the sender hung up in the middle
  | { code: 'UPLOAD_UNKNOWN' } // nothing is kept of this task's submission: send all of it
  | { code: 'UPLOAD_DIFFERS' } // what is kept was announced with another digest: send all of it
  | { code: 'UPLOAD_OFFSET_WRONG'; offsetBytes: number } // so much is kept: send from there
  | { code: 'UPLOAD_DIGEST_WRONG'; expected: string; actual: string } // the bytes are not those that were announced
  | { code: 'SERVER_CLOSED' };

/** An error of this package; `info` says what happened, the message what to do. */
export class ServerError extends CodedError<ServerErrorInfo> {
  override name = 'ServerError';
}

const STATUS_OF: Readonly<Record<string, number>> = {
  BODY_TOO_LARGE: 413,
  MEDIA_TYPE_UNSUPPORTED: 415,
  NOT_FOUND: 404,
  SUBMISSION_UNKNOWN: 404,
  TASK_UNKNOWN: 404,
  SHARD_UNKNOWN: 404,
  JOB_UNKNOWN: 404,
  INTERNAL: 500,
  BLOB_MISSING: 500,
  BLOB_CORRUPT: 500,
  RATE_LIMITED: 429,
  INSTANCE_LIMIT: 429,
  BUSY: 503,
  COMPUTE_STOPPED: 503,
  SERVER_CLOSED: 503,
  DATABASE_UNREACHABLE: 503,
  BLOBS_UNREACHABLE: 503,
  BLOBS_REFUSED: 503,
  DISK_FULL: 503, // 507 fits better, and clients take it for final
  NOT_READY: 503,
  LEADERSHIP_LOST: 503,
  REQUEST_SLOW: 408,
  UPLOAD_SLOW: 408,
  UPLOAD_UNKNOWN: 404,
  UPLOAD_DIFFERS: 409,
  UPLOAD_OFFSET_WRONG: 409,
  TOKEN_MISSING: 401,
  TOKEN_INVALID: 401,
  CHALLENGE_UNKNOWN: 401,
  SIGNATURE_INVALID: 401,
  ROLE_FORBIDDEN: 403,
  BANNED: 403,
  OPERATOR_MESSAGE_OLD: 401,
  SHARD_PRIVATE: 403,
  TASK_EXPIRED: 410,
  NONCE_USED: 409,
  STATE_ROOT_WRONG: 409,
  STALE_VERSION: 409,
  JOB_NOT_YOURS: 409,
  RECEIPT_TAKEN: 409,
  RECEIPT_FORGED: 403,
  RECEIPT_MINER_UNKNOWN: 403,
  AUDIT_UNKNOWN: 404,
  RANGE_INVALID: 416,
};

/** Codes of the operating system: no space, or no more of the quota. */
const FULL: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT']);

/** What to throw for an error of writing: `DISK_FULL` where that is the reason, the error itself otherwise. */
export function writeError(error: unknown): unknown {
  return FULL.has(errorCodeOf(error) ?? '') ? diskFull(error) : error;
}

export function diskFull(cause: unknown): ServerError {
  return new ServerError(
    { code: 'DISK_FULL', retryAfterMs: 5_000 },
    'the server has no space left to store this: send it again after a while',
    { cause },
  );
}

/** HTTP status of a coded refusal; codes without a row are the caller's mistake. */
export function httpStatusOf(code: string): number {
  return STATUS_OF[code] ?? 400;
}
