/** @file What a miner tells whoever runs it, as data: the CLI prints it, tests wait for it. Not a log: no debugging. */

export type MinerEvent =
  | { type: 'registered'; networkId: string; serverId: string; address: string; instance: string }
  /** State of an earlier run: `damaged` means it was unreadable and training starts with an empty residual. */
  | { type: 'opened'; state: 'fresh' | 'resumed' | 'damaged'; unsettled: number }
  /** `bytes`: downloaded; 0 when the copy on disk was already right. */
  | { type: 'synced'; version: number; how: SyncWay; bytes: number }
  /** Bytes of the model or of one shard's tokens that are here, out of all that are fetched now. */
  | { type: 'download'; what: 'model' | 'data'; doneBytes: number; totalBytes: number }
  | { type: 'task'; taskId: string; round: number; version: number; shards: number; tokens: number }
  /** Passes through a part of a model that is trained layer by layer, out of those of its step. */
  | { type: 'layer'; done: number; total: number }
  | { type: 'step'; step: number; steps: number; lossNats: number; skipped: boolean }
  | {
      type: 'trained';
      taskId: string;
      steps: number;
      skippedSteps: number;
      tokens: number;
      lossNats: number;
      tokensPerSec: number;
      elapsedMs: number;
    }
  | { type: 'submitted'; taskId: string; submissionId: string; bytes: number }
  | { type: 'accepted'; taskId: string; submissionId: string; score: string; gainNats: number | null }
  /** `submissionId` is null when the upload itself was refused. What was sent is given back to the residual. */
  | {
      type: 'refused';
      taskId: string;
      submissionId: string | null;
      code: string;
      reason: string;
      score: string;
    }
  /** A task that led to no submission. */
  | { type: 'dropped'; taskId: string; code: string; reason: string }
  | { type: 'retrying'; code: string; reason: string; inMs: number }
  /** No task is asked for until the reason is gone; said once. */
  | { type: 'holding'; reason: string }
  /** This computer's clock against the server's. Nothing depends on it but certificates; said when it is far off. */
  | { type: 'clockOff'; aheadMinutes: number };

/** How a copy of the model came to a version. */
export type SyncWay = 'none' | 'deltas' | 'snapshot';
