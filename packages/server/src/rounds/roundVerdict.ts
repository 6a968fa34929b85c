/** @file When a round closes (AGG-2): a pure decision on counts and time. Does nothing itself. */

export interface RoundFacts {
  readonly nowMs: number;
  /** When the round's first task went out; null before that. */
  readonly firstTaskMs: number | null;
  readonly openTasks: number;
  /** Submissions received and not decided yet. */
  readonly queued: number;
  /** Accepted submissions that no version contains yet. */
  readonly accepted: number;
  /** Refused submissions of this round. */
  readonly refused: number;
  /** The base version has a held-out loss: without it nothing can be compared. */
  readonly isBaselineKnown: boolean;
}

export interface RoundLimits {
  readonly maxRoundMs: number;
  readonly targetSubmissions?: number | undefined;
}

/** `fold`: build the next version; `refused`: nothing was accepted, open the next round on the same version. */
export type RoundVerdict = 'wait' | 'fold' | 'refused';

export function roundVerdict(
  facts: RoundFacts,
  { maxRoundMs, targetSubmissions }: RoundLimits,
): RoundVerdict {
  const { accepted, refused, queued, openTasks } = facts;
  if (!facts.isBaselineKnown) return 'wait';
  const isQuiet = openTasks === 0 && queued === 0;
  const isOld = facts.firstTaskMs !== null && facts.nowMs - facts.firstTaskMs >= maxRoundMs;
  const isTargetMet = targetSubmissions !== undefined && accepted >= targetSubmissions && queued === 0;
  if (accepted > 0) return isQuiet || isOld || isTargetMet ? 'fold' : 'wait';
  return refused > 0 && (isQuiet || (isOld && queued === 0)) ? 'refused' : 'wait';
}
