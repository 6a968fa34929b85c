/**
 * @file The scorer's loop: take a job, keep its lease while another thread computes, report the losses, take the next.
 * Both sides may restart at any time: a job whose lease was lost belongs to someone else, and its result is dropped.
 */
import {
  backoffMs,
  errorCodeOf,
  messageOf,
  refusalOf,
  type ScoringJob,
  type ServerClient,
} from '@alice/protocol';
import type { ScorerEvent } from './scorerEvents.js';
import type { JobScorer, JobScores, OpenScoring } from './scoring.js';

export interface ScorerLoopPorts {
  readonly server: Pick<ServerClient, 'nextJob' | 'heartbeat' | 'postResult'>;
  readonly scorer: JobScorer;
  /** Registers and learns the network. */
  connect(): Promise<OpenScoring>;
  emit(event: ScorerEvent): void;
  /** The server's clock. */
  serverNowMs(): number;
  /** Resolves after `ms`, or as soon as the given signal or the scorer's own is aborted. */
  pause(ms: number, signal?: AbortSignal): Promise<void>;
  random(): number;
  readonly signal: AbortSignal;
}

const WAIT_MS = 20_000;
const MIN_HEARTBEAT_MS = 1_000;
/** A lease is renewed after this part of what is left of it. */
const HEARTBEAT_SHARE = 1 / 3;

/** Codes a person must act on. */
const FATAL: ReadonlySet<string> = new Set([
  'SERVER_IDENTITY_CHANGED',
  'SERVER_URL_INVALID',
  'TLS_REQUIRED',
  'SIGNATURE_INVALID',
  'ROLE_FORBIDDEN',
  'BAD_REQUEST',
  'SCORER_VERSION_UNSIGNED',
  'CONFIG_INVALID',
  'SERVER_DIR_LOCKED',
]);
/** A computing thread that dies this often in a row cannot live on this computer: no memory, or no ONNX Runtime. */
const MAX_THREAD_DEATHS = 6;
/** Answers that say the job is no longer this scorer's. */
const NOT_MINE: ReadonlySet<string> = new Set(['JOB_NOT_YOURS', 'JOB_UNKNOWN']);

/** Runs until the signal is aborted. Throws only what waiting cannot cure. */
export async function scoreJobs(ports: ScorerLoopPorts): Promise<void> {
  let isConnected = false;
  for (let failures = 0; !ports.signal.aborted; ) {
    try {
      if (!isConnected) await ports.scorer.open(await ports.connect());
      isConnected = true;
      await nextJob(ports);
      failures = 0;
    } catch (error) {
      if (ports.signal.aborted) return;
      const code = codeOf(error);
      if (FATAL.has(code)) throw error;
      failures++;
      if (code === 'THREAD_ENDED' && failures >= MAX_THREAD_DEATHS) throw error;
      if (code === 'THREAD_ENDED') isConnected = false;
      const inMs = backoffMs(failures, ports.random, null);
      ports.emit({ type: 'retrying', code, reason: messageOf(error), inMs });
      await ports.pause(inMs);
    }
  }
}

async function nextJob(ports: ScorerLoopPorts): Promise<void> {
  const { offer, retryAfterMs } = await ports.server.nextJob(WAIT_MS);
  if (offer !== undefined) return workOn(offer, ports);
  if (retryAfterMs > 0) await ports.pause(Math.min(retryAfterMs, WAIT_MS));
}

async function workOn(job: ScoringJob, ports: ScorerLoopPorts): Promise<void> {
  const finished = new AbortController();
  const lease = keepLease(job, ports, finished.signal);
  try {
    await report(job, await ports.scorer.score(job), ports);
  } finally {
    finished.abort();
    await lease;
  }
}

async function report(
  { jobId, kind, version }: ScoringJob,
  scores: JobScores,
  { server, emit }: ScorerLoopPorts,
): Promise<void> {
  const { lossesBefore, lossesAfter, elapsedMs } = scores;
  try {
    await server.postResult(jobId, { lossesBefore, lossesAfter, elapsedMs });
  } catch (error) {
    const code = codeOf(error);
    if (!NOT_MINE.has(code)) throw error;
    emit({ type: 'lost', jobId, code });
    return;
  }
  const gainNats = lossesAfter === null ? null : mean(lossesBefore) - mean(lossesAfter);
  emit({ type: 'scored', jobId, kind, version, rows: lossesBefore.length, gainNats, elapsedMs });
}

/** Renews the lease until `finished`. Failing to renew ends nothing: the result decides whether it still counts. */
async function keepLease(
  job: ScoringJob,
  { server, serverNowMs, pause, signal }: ScorerLoopPorts,
  finished: AbortSignal,
): Promise<void> {
  let { leaseUntilMs } = job;
  while (!finished.aborted && !signal.aborted) {
    const left = leaseUntilMs - serverNowMs();
    await pause(Math.max(MIN_HEARTBEAT_MS, left * HEARTBEAT_SHARE), finished);
    if (finished.aborted || signal.aborted) return;
    try {
      leaseUntilMs = (await server.heartbeat(job.jobId, finished)).leaseUntilMs;
    } catch (error) {
      if (finished.aborted || NOT_MINE.has(codeOf(error))) return;
    }
  }
}

const mean = (losses: readonly number[]): number =>
  losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
const codeOf = (error: unknown): string => refusalOf(error) ?? errorCodeOf(error) ?? 'UNEXPECTED';
