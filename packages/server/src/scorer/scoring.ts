/**
 * @file The line between a scorer's two threads: what the networking one asks (`JobScorer`) and what the computing one
 * needs from it (`ScoringSource`). Types only.
 */
import type { ModelMessage, ScoringJob, VersionManifest } from '@alice/protocol';

export interface OpenScoring {
  readonly networkId: string;
  readonly serverId: string;
  readonly model: ModelMessage;
  readonly threads: number;
  /** Folder for the weights, where they are not to lie in memory. */
  readonly dir?: string | undefined;
}

/** Losses of each row in nats; `lossesAfter` is null when the blob gives no finite losses (SPEC SCORE-1). */
export interface JobScores {
  readonly lossesBefore: number[];
  readonly lossesAfter: number[] | null;
  readonly elapsedMs: number;
}

export interface JobScorer {
  /** Must come first; again after the computing thread has died. */
  open(request: OpenScoring): Promise<void>;
  score(job: ScoringJob): Promise<JobScores>;
  close(): Promise<void>;
}

export interface ScoringSource {
  blob(request: { readonly hash: string; readonly maxBytes: number }): Promise<Uint8Array>;
  version(version: number): Promise<VersionManifest | undefined>;
  batch(batchId: string): Promise<Uint8Array>;
}
