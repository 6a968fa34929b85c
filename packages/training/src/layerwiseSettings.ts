/** @file How a model larger than its trainers' memory is trained: what `trainStreamed` can do. */
import type { TrainingSettings } from './trainingSettings.js';

/**
 * As many tokens a task as `base` has rows for in a few steps, in one step, and no residual: each task costs its trainer two
 * readings of the weights and no memory that grows with them. Judged and paid as in `base`, on fewer rows at a time: one
 * of them is as much work for a scorer as it was for the miner.
 */
export function layerwiseSettings(base: TrainingSettings): TrainingSettings {
  return {
    ...base,
    optimizer: 'adafactor',
    innerSteps: 1,
    rowsPerStep: 16,
    schedule: { ...base.schedule, warmupSteps: 8 },
    weightDecay: 0,
    density: 0.005,
    selection: 'chunked',
    errorFeedbackDecay: 0,
    scoringRows: 16,
    work: { ...base.work, rows: 16, controlRows: 16 },
    mergeRows: 32,
  };
}
