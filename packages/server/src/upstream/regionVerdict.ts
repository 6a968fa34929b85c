/** @file When a region closes its round: a pure decision on counts and time. Does nothing itself. */

export interface RegionFacts {
  readonly nowMs: number;
  /** When the round must be closed so that the contribution comes in time. */
  readonly closesMs: number;
  readonly openTasks: number;
  /** Received and not decided yet. */
  readonly queued: number;
  /** Decided in this round. */
  readonly decided: number;
  /** Miners seen lately that have sent nothing in this round. */
  readonly expected: number;
}

/** Early once everybody who is there has been judged; at the last moment whatever there is. */
export function isRegionDue({ nowMs, closesMs, openTasks, queued, decided, expected }: RegionFacts): boolean {
  if (nowMs >= closesMs) return true;
  return decided > 0 && openTasks === 0 && queued === 0 && expected === 0;
}
