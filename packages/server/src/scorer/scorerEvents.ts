/** @file What a scorer tells whoever runs it, as data. */
import type { ScoringJob } from '@alice/protocol';

export type ScorerEvent =
  | { type: 'registered'; networkId: string; serverId: string; address: string; instance: string }
  | {
      type: 'scored';
      jobId: string;
      kind: ScoringJob['kind'];
      version: number;
      rows: number;
      /** Mean of before − after; null when the losses after are not finite or the blob could not be decoded. */
      gainNats: number | null;
      elapsedMs: number;
    }
  /** Another scorer has the job now; nothing is wrong. */
  | { type: 'lost'; jobId: string; code: string }
  | { type: 'retrying'; code: string; reason: string; inMs: number };
