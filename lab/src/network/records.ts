/** @file What a simulated round leaves behind: its submissions with all that was found out, its report, the network's state. */
import type { FlatDelta, RowGaps } from '@alice/training';
import type { Contribution } from './behaviour.js';
import type { Ledger } from './Ledger.js';
import type { Participant } from './Participant.js';
import type { WorkerState } from './Worker.js';

/** One submission with everything found out about it. */
export interface LabSubmission {
  readonly participant: Participant;
  readonly round: number;
  readonly version: number;
  readonly rows: Uint16Array;
  readonly contribution: Contribution;
  readonly sizeBytes: number;
  readonly arrivalMs: number;
  code: string | null;
  gainNats: number;
  /** The gate saw neither gain nor harm. */
  isUndecided: boolean;
  flat: FlatDelta | undefined;
  /** How much it leans on older published updates. */
  lean: number | undefined;
  /** Of probed rows; left out when not probed. */
  gaps: RowGaps | undefined;
  /** Share of its task that shows work. */
  covered: number | undefined;
  paidNats: number;
}

export interface RoundReport {
  readonly round: number;
  readonly version: number;
  readonly applied: boolean;
  /** Of the report rows, at the published weights after this round. */
  readonly lossNats: number;
  /** Trained by accepted submissions, from the start. */
  readonly tokens: number;
  readonly uplinkBytes: number;
  readonly submissions: readonly LabSubmission[];
  readonly stateRoot: string;
}

export interface NetworkState {
  readonly master: Float32Array;
  readonly earlier: readonly Float32Array[];
  readonly round: number;
  readonly version: number;
  readonly tokens: number;
  readonly uplinkBytes: number;
  readonly workers: ReadonlyMap<string, WorkerState>;
  readonly ledger: Ledger;
}
