/**
 * @file The gate on one submission: batches of fresh rows are added until the sign of its gain is clear or the budget
 * ends (SPEC SCORE-2). Where rows come from and how the losses before are cached is the caller's business.
 */
import { type PairedScoreOptions, pairedScore } from './pairedScore.js';
import { type PairedStatistics, pairedStatistics } from './pairedStatistics.js';
import {
  defaultSequentialTest,
  type RefusalReason,
  type SequentialTest,
  sequentialDecision,
} from './sequentialDecision.js';

export interface ScoringBatch {
  readonly rows: Uint16Array;
  readonly lossesBefore?: Float64Array;
}

export interface SequentialScoreOptions extends Omit<PairedScoreOptions, 'rows' | 'lossesBefore'> {
  /** The batch of a look (0, 1, …): a pure function of the secret seed. `undefined` ends the budget early. */
  readonly batchAt: (look: number) => Promise<ScoringBatch | undefined>;
  readonly test?: SequentialTest;
}

export interface SequentialScore {
  readonly verdict: 'accept' | 'undecided' | 'refuse';
  readonly reason?: RefusalReason;
  readonly statistics: PairedStatistics;
  /** Per row, in the order of the batches. */
  readonly before: Float64Array;
  readonly after: Float64Array;
}

export async function scoreSequentially(options: SequentialScoreOptions): Promise<SequentialScore> {
  const { batchAt, test = defaultSequentialTest, ...paired } = options;
  const before: number[] = [];
  const after: number[] = [];
  for (let look = 0; ; look++) {
    const batch = await batchAt(look);
    if (batch) {
      const score = await pairedScore({ ...paired, ...batch });
      before.push(...score.before);
      after.push(...score.after);
    }
    const losses = { before: Float64Array.from(before), after: Float64Array.from(after) };
    const statistics = pairedStatistics(losses.before, losses.after);
    const decision = sequentialDecision(statistics, test, batch === undefined);
    if (decision.verdict !== 'continue') return { ...decision, statistics, ...losses };
  }
}
