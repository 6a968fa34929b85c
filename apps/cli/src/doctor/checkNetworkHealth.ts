/** @file Whether a running network does what it is for: versions appear, blocks appear, processes stay up, the model answers. */
import { closeSync, existsSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { NetworkStatus } from '@alice/protocol';
import type { Finding } from './checks.js';

const SLOW_VERSION_MS = 5 * 60_000;
const CLOCK_TOLERANCE_MS = 30_000;
const RECENT_MS = 10 * 60_000;
const TAIL_BYTES = 64 * 1024;

/** `nowMs`: this machine's clock. */
export function checkTraining(status: NetworkStatus, nowMs: number): Finding[] {
  return [versionAge(status), clock(status, nowMs), acceptance(status)];
}

function versionAge({ versions, serverTimeMs, miners }: NetworkStatus): Finding {
  const newest = versions.at(-1);
  const ageMs = serverTimeMs - (newest?.createdAtMs ?? serverTimeMs);
  const found = `version ${newest?.version ?? 0} is ${Math.round(ageMs / 1000)} s old`;
  if (ageMs < SLOW_VERSION_MS) return { name: 'training', state: 'ok', found, remedy: '' };
  const working = miners.filter(
    ({ role, lastSeenMs }) => role === 'miner' && serverTimeMs - lastSeenMs < SLOW_VERSION_MS,
  );
  const remedy =
    working.length === 0
      ? 'no miner was seen lately: start one with "alice miner"'
      : `${working.length} miner(s) work; if no version follows, read the logs of server and scorer`;
  return { name: 'training', state: 'warning', found, remedy };
}

function clock({ serverTimeMs }: NetworkStatus, nowMs: number): Finding {
  const aheadMs = nowMs - serverTimeMs;
  const found = `${(Math.abs(aheadMs) / 1000).toFixed(1)} s from the server's`;
  return Math.abs(aheadMs) <= CLOCK_TOLERANCE_MS
    ? { name: 'clock', state: 'ok', found, remedy: '' }
    : {
        ...{ name: 'clock', state: 'warning', found },
        remedy: 'deadlines of tasks would be missed: let the system set its clock (timedatectl set-ntp true)',
      };
}

function acceptance({ submissions: { accepted, refused } }: NetworkStatus): Finding {
  const codes = Object.entries(refused).sort(([, a], [, b]) => b - a);
  const bad = codes.reduce((sum, [, n]) => sum + n, 0);
  const found = `${accepted} accepted, ${bad} refused${bad > 0 ? ` (${codes.map(([code, n]) => `${code} ${n}`).join(', ')})` : ''}`;
  return bad > accepted && accepted + bad >= 10
    ? {
        ...{ name: 'updates', state: 'warning', found },
        remedy:
          'most updates are refused: "alice miner status" says why a miner was not paid; check that all run the same release',
      }
    : { name: 'updates', state: 'ok', found, remedy: '' };
}

/** Errors that processes of the network logged in the last minutes. */
export function checkLogs(logDir: string, nowMs: number): Finding {
  const troubled = existsSync(logDir)
    ? readdirSync(logDir)
        .filter((file) => file.endsWith('.log'))
        .flatMap((file) => recentErrors(join(logDir, file), nowMs))
    : [];
  const [first] = troubled;
  if (!first) return { name: 'logs', state: 'ok', found: 'no error in the last ten minutes', remedy: '' };
  return {
    ...{
      name: 'logs',
      state: 'warning',
      found: `${troubled.length} error(s); ${first.process}: ${first.message}`,
    },
    remedy: `read ${join(logDir, `${first.process}.log`)}`,
  };
}

interface LoggedError {
  readonly process: string;
  readonly message: string;
}

function recentErrors(path: string, nowMs: number): LoggedError[] {
  return tail(path)
    .split('\n')
    .flatMap((line) => {
      try {
        const { level, time, msg } = JSON.parse(line) as { level: number; time: number; msg: string };
        return level >= 50 && nowMs - time < RECENT_MS
          ? [{ process: basename(path, '.log'), message: msg }]
          : [];
      } catch {
        return []; // cut in two by the tail, or not a record
      }
    });
}

function tail(path: string): string {
  const { size } = statSync(path);
  const buffer = Buffer.alloc(Math.min(size, TAIL_BYTES));
  const file = openSync(path, 'r');
  try {
    readSync(file, buffer, 0, buffer.length, size - buffer.length);
  } finally {
    closeSync(file);
  }
  return buffer.toString('utf8');
}

/** Whether the status page can talk to the model. */
export async function checkInference(serverUrl: string): Promise<Finding> {
  const answer = await fetch(`${serverUrl}/inference/v1/models`, {
    signal: AbortSignal.timeout(5_000),
  }).catch(() => undefined);
  if (answer?.ok)
    return { name: 'chat', state: 'ok', found: 'the model answers on the status page', remedy: '' };
  if (answer?.status === 404)
    return { name: 'chat', state: 'ok', found: 'this server has no inference endpoint', remedy: '' };
  return {
    ...{
      name: 'chat',
      state: 'warning',
      found: 'the inference endpoint does not answer; training goes on without it',
    },
    remedy: 'read the log "inference.log" of the network; restarting "alice up" is safe at any time',
  };
}
