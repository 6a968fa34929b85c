/** @file What a person must look at (SCORE-3): a pure function of facts, so that alarms end when their cause does. */
import type { NetworkStatus } from '@alice/protocol';
import type { BlobUse } from '../state/blobUse.js';
import type { RoundRow } from '../state/rounds.js';
import type { VersionRow } from '../state/versions.js';

export interface AlarmFacts {
  readonly nowMs: number;
  readonly uniformLossNats: number;
  /** The last two versions, oldest first. */
  readonly versions: readonly VersionRow[];
  readonly lastRound: RoundRow | undefined;
  /** When the oldest waiting job was queued. */
  readonly oldestJobMs: number | undefined;
  readonly lastScorerSeenMs: number;
  readonly chainUnreachableSinceMs: number | undefined;
  readonly upstreamUnreachableSinceMs: number | undefined;
  /** Undefined without a quota. */
  readonly blobUse: BlobUse | undefined;
  readonly epochMismatch: { readonly epoch: number; readonly sinceMs: number } | undefined;
  readonly chainBehind: ChainBehind | undefined;
}

/** The chain is at an epoch before the one that this server would report next. */
export interface ChainBehind {
  readonly epoch: number;
  readonly expected: number;
  readonly sinceMs: number;
}

export type Alarm = NetworkStatus['alarms'][number];

/** The first versions may be anywhere; later ones must beat guessing. */
const UNIFORM_GRACE_VERSIONS = 5;
const SCORER_SILENCE_MS = 60_000;

export function alarmsOf(facts: AlarmFacts): Alarm[] {
  return [
    lossAboveUniform,
    lossRose,
    lastRoundFailed,
    noScorer,
    chainUnreachable,
    upstreamUnreachable,
    blobsOverQuota,
    epochMismatch,
    chainBehind,
  ].flatMap((rule) => rule(facts) ?? []);
}

function lossAboveUniform({ versions, uniformLossNats }: AlarmFacts): Alarm | undefined {
  const latest = versions.at(-1);
  if (!latest || latest.version <= UNIFORM_GRACE_VERSIONS || (latest.loss_nats ?? 0) <= uniformLossNats)
    return undefined;
  const message = `The held-out loss ${latest.loss_nats?.toFixed(3)} is above guessing uniformly (${uniformLossNats.toFixed(3)} nats).`;
  return { code: 'LOSS_ABOVE_UNIFORM', message, sinceMs: latest.created_ms };
}

/** The merge gate compares the same rows in pairs and is sharper; this sees what slipped through. */
function lossRose({ versions }: AlarmFacts): Alarm | undefined {
  const [before, after] = versions.slice(-2);
  if (before?.loss_nats == null || after?.loss_nats == null) return undefined;
  if (after.loss_nats - before.loss_nats <= 2 * (after.loss_error_nats ?? 0)) return undefined;
  const message = `The held-out loss rose from ${before.loss_nats.toFixed(4)} to ${after.loss_nats.toFixed(4)} nats.`;
  return { code: 'LOSS_ROSE', message, sinceMs: after.created_ms };
}

function lastRoundFailed({ lastRound }: AlarmFacts): Alarm | undefined {
  const sinceMs = lastRound?.closed_ms ?? 0;
  if (lastRound?.status === 'rolledBack')
    return {
      code: 'ROUND_ROLLED_BACK',
      message: `Round ${lastRound.round} was rolled back: ${lastRound.reason}.`,
      sinceMs,
    };
  if (lastRound?.status === 'refused')
    return {
      code: 'ROUND_ALL_REFUSED',
      message: `Round ${lastRound.round} ended without accepted work: ${(lastRound.reason ?? 'every submission was refused').replace(/\.$/, '')}.`,
      sinceMs,
    };
  return undefined;
}

function noScorer({ nowMs, oldestJobMs, lastScorerSeenMs }: AlarmFacts): Alarm | undefined {
  if (oldestJobMs === undefined) return undefined;
  const sinceMs = Math.max(oldestJobMs, lastScorerSeenMs);
  if (nowMs - sinceMs < SCORER_SILENCE_MS) return undefined;
  return {
    code: 'NO_SCORER',
    message: 'Submissions wait to be scored and no scorer has asked for work: start one.',
    sinceMs,
  };
}

function chainUnreachable({ chainUnreachableSinceMs: sinceMs }: AlarmFacts): Alarm | undefined {
  if (sinceMs === undefined) return undefined;
  return {
    code: 'CHAIN_UNREACHABLE',
    message: 'The chain does not answer; training goes on, payment waits.',
    sinceMs,
  };
}

function upstreamUnreachable({ upstreamUnreachableSinceMs: sinceMs }: AlarmFacts): Alarm | undefined {
  if (sinceMs === undefined) return undefined;
  return {
    code: 'UPSTREAM_UNREACHABLE',
    message: 'The upstream server does not answer; what the miners of this region have sent waits here.',
    sinceMs,
  };
}

function blobsOverQuota({ blobUse }: AlarmFacts): Alarm | undefined {
  if (blobUse?.overSinceMs === undefined) return undefined;
  const gigabytes = (bytes: number): string => (bytes / 1e9).toFixed(2);
  const message = `Blobs take ${gigabytes(blobUse.usedBytes)} GB of ${gigabytes(blobUse.quotaBytes)} and nothing is left to prune: raise --blob-quota-gb.`;
  return { code: 'BLOB_QUOTA_EXCEEDED', message, sinceMs: blobUse.overSinceMs };
}

function epochMismatch({ epochMismatch: found }: AlarmFacts): Alarm | undefined {
  if (!found) return undefined;
  const message = `The chain settled epoch ${found.epoch} from another report than this server's: two servers share a key.`;
  return { code: 'EPOCH_MISMATCH', message, sinceMs: found.sinceMs };
}

function chainBehind({ chainBehind: found }: AlarmFacts): Alarm | undefined {
  if (!found) return undefined;
  const { epoch, expected, sinceMs } = found;
  const message = `The chain is at epoch ${epoch}, but this server has settled those before epoch ${expected} on it: nobody is paid until it has them. Wait for a node that catches up; put back its folder if it was lost.`;
  return { code: 'CHAIN_BEHIND', message, sinceMs };
}
