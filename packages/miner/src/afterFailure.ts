/**
 * @file Where a miner goes on after a failure, and which failures end it: one table of codes, everything else is
 * tried again. Waiting cannot cure a wrong network, a wrong address or a refused key.
 */
import { backoffMs, errorCodeOf, refusalOf } from '@alice/protocol';
import type { MinerState } from './MinerLoop.js';

/** Codes a person must act on. */
const FATAL: ReadonlySet<string> = new Set([
  'SERVER_IDENTITY_CHANGED',
  'SERVER_URL_INVALID',
  'TLS_REQUIRED',
  'CLIENT_ANONYMOUS',
  'PROTOCOL_MISMATCH',
  'MINER_DIR_MISMATCH',
  'VERSION_SIGNATURE_INVALID',
  'STATE_NOT_SAVED',
  'SIGNATURE_INVALID',
  'ROLE_FORBIDDEN',
  'BAD_REQUEST',
  'CONFIG_INVALID',
  'NOT_STREAMABLE',
]);

/** Codes after which the copy of the model is not to be trusted. */
const RESYNC: ReadonlySet<string> = new Set([
  'REPLICA_ROOT_MISMATCH',
  'REPLICA_BLOB_MISMATCH',
  'REPLICA_DAMAGED',
  'CHECKPOINT_HASH_MISMATCH',
  'WEIGHTS_FILE',
  'WEIGHTS_UNREADABLE',
  'STATE_ROOT_WRONG',
]);
/** Codes after which the computing thread or the connection starts anew. */
const RECONNECT: ReadonlySet<string> = new Set([
  'THREAD_ENDED',
  'TOKEN_INVALID',
  'TOKEN_MISSING',
  'SERVER_UNREACHABLE',
]);

/** Codes that end when somebody frees space: waited for as long as it takes, without training for nothing meanwhile. */
const DISK: ReadonlySet<string> = new Set(['DISK_FULL', 'ENOSPC', 'EDQUOT']);

/** So many failures in a row without one finished task mean that trying on is pointless. */
export const MAX_FAILURES = 20;
/** A computing thread that dies this often in a row cannot live on this computer: no memory, or no ONNX Runtime. */
export const MAX_THREAD_DEATHS = 6;
const BACKOFF = { firstMs: 500, longestMs: 30_000 };

/** True when the miner must stop with this error. */
export function isFatal(error: unknown, failuresInARow: number): boolean {
  const code = codeOf(error);
  if (code === 'THREAD_ENDED') return failuresInARow >= MAX_THREAD_DEATHS;
  if (DISK.has(code)) return false;
  return FATAL.has(code) || (failuresInARow >= MAX_FAILURES && !RECONNECT.has(code));
}

/** The state to go on from. */
export function afterFailure(error: unknown): MinerState {
  const code = codeOf(error);
  if (RECONNECT.has(code)) return { at: 'connect' };
  if (DISK.has(code)) return { at: 'save' };
  return { at: 'sync', fromSnapshot: RESYNC.has(code) };
}

export function failurePause(failures: number, random: () => number): number {
  return backoffMs(failures, random, null, BACKOFF);
}

function codeOf(error: unknown): string {
  return refusalOf(error) ?? errorCodeOf(error) ?? 'UNEXPECTED';
}
