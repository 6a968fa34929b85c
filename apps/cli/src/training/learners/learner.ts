/** @file What a training run learns by: text, conversations or preferences. The run itself does not know which. */
import type { InnerOptimizer } from '@alice/training';

export interface LearnerStep {
  /** Over all of the run, 0-based. */
  readonly step: number;
  readonly lossNats: number;
  /** Before clipping. */
  readonly gradNormL2: number;
  /** Left out, because its loss or gradient was not a number. */
  readonly skipped: boolean;
}

export interface LearnerWork {
  /** The first step of the segment, and how many there are. */
  readonly step: number;
  readonly steps: number;
  /** Changed in place. */
  readonly parameters: Float32Array;
  readonly optimizer: InnerOptimizer;
  readonly learningRateAt: (step: number) => number;
  onStep(step: LearnerStep): void;
}

export interface Learner {
  /** The same segment of the same run gives the same bits. */
  segment(work: LearnerWork): Promise<void>;
  /** Mean loss on what is never learned, always the same rows; `undefined` where the data have none. */
  heldOutNats(parameters: Float32Array): Promise<number | undefined>;
  dispose(): Promise<void>;
}
