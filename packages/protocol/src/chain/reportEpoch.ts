/**
 * @file Brings an epoch report onto the chain: a small one in one call, a large one in pages. What is left to send is
 * worked out from the chain alone, so a reporter that was killed between pages goes on where it was; the chain refuses
 * what it has already, so nothing is paid twice. Not here: deciding what an epoch pays.
 */
import type { KeyPair } from '../keys.js';
import type { ChainClient } from './ChainClient.js';
import { encodeCall } from './encodeCall.js';
import { type EpochReport, MAX_EPOCH_ENTRIES, type OrderedScore, orderedScores } from './epochReport.js';
import type { OpenEpoch } from './openEpoch.js';
import type { Role } from './storageValues.js';

/** Scores of one call or page: so few take little of a block. The chain allows as many in a page. */
const PAGE_SCORES = 1_000;

export interface ReportOptions {
  /** Longest wait for the last call's block, and for calls of an earlier attempt to leave the pool. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Resolves once the chain has the whole report; a large one is then paid by the blocks that follow. Safe to repeat at
 * any time. Throws what `ChainClient.waitFor` throws, `EXTRINSIC_FAILED` among it, and `CALL_INVALID`.
 */
export async function reportEpoch(
  chain: ChainClient,
  keyPair: KeyPair,
  { report, ...options }: ReportOptions & { readonly report: EpochReport },
): Promise<void> {
  // What an earlier attempt has left in the pool is on its way: to send it again would only cost fees.
  await chain.waitUntilPoolHasNone(keyPair.address, options);
  const calls = await missingCalls(chain, report, options.signal);
  if (calls.length === 0) return;
  const hashes = await chain.signAndSubmitAll(keyPair, calls, { signal: options.signal });
  // They run in order: the last one succeeds only after all the others have.
  await chain.waitFor(hashes.at(-1)!, options);
}

/** What the chain still needs of a report; nothing once it is settled or being paid. */
async function missingCalls(
  chain: ChainClient,
  report: EpochReport,
  signal: AbortSignal | undefined,
): Promise<Uint8Array[]> {
  const scores = orderedScores(report.scores, MAX_EPOCH_ENTRIES);
  const { hash: at } = await chain.head({ signal });
  if ((await chain.currentEpoch({ at, signal })) > report.epoch) return [];
  const open = await chain.openEpoch({ at, signal });
  if (open?.isPaying) return [];
  const isPaged = scores.length > PAGE_SCORES;
  if (open && isPaged && isBeginningOf(open, report, scores))
    return restOf(report.epoch, scores, { page: open.pages, from: open.received });
  const whole = isPaged
    ? [encodeCall.beginEpoch(report), ...restOf(report.epoch, scores, { page: 0, from: 0 })]
    : [encodeCall.submitEpoch(report)];
  return open ? [encodeCall.abortEpoch(open.epoch), ...whole] : whole;
}

/** The pages from score number `from` on, then the call that ends the report. */
function restOf(
  epoch: number,
  scores: readonly OrderedScore[],
  { page, from }: { readonly page: number; readonly from: number },
): Uint8Array[] {
  const calls: Uint8Array[] = [];
  for (let at = from; at < scores.length; at += PAGE_SCORES) {
    const slice = scores.slice(at, at + PAGE_SCORES);
    calls.push(encodeCall.submitScores({ epoch, page: page + calls.length, scores: slice }));
  }
  return [...calls, encodeCall.finishEpoch(epoch)];
}

/** Whether what the chain has received is the beginning of this report and of no other. */
function isBeginningOf(open: OpenEpoch, report: EpochReport, scores: readonly OrderedScore[]): boolean {
  const received = scores.slice(0, open.received);
  const totals: Record<Role, bigint> = { training: 0n, scoring: 0n, infrastructure: 0n };
  for (const { role, scoreNanoNats } of received) totals[role] += scoreNanoNats;
  const last = received.at(-1);
  return (
    open.epoch === report.epoch &&
    open.fromVersion === report.fromVersion &&
    open.toVersion === report.toVersion &&
    open.stateRoot === report.stateRoot &&
    open.heldOutLossNanoNats === report.heldOutLossNanoNats &&
    open.shardsCovered === report.shardsCovered &&
    open.receiptsRoot === report.receiptsRoot &&
    open.entries === scores.length &&
    received.length === open.received &&
    last?.address === open.last?.address &&
    last?.role === open.last?.role &&
    (Object.keys(totals) as Role[]).every((role) => totals[role] === open.totals[role])
  );
}
