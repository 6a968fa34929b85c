/**
 * @file The whitepaper's literal protocol (WP 2.4) as settings, to be measured beside the default: one accumulated, clipped
 * gradient a task, times a learning rate; 0.1% of all elements; no error feedback; a score above zero passes; a mean
 * weighted by scores; pay by the raw score. Does not learn well, by measurement (SPEC TRAIN-1, TRAIN-2).
 */
import type { TrainingSettings } from './trainingSettings.js';

/** Any sign of a gain passes: the test looks once, and one standard error counts as much as none. */
const ABOVE_ZERO = 1e-9;

/** The same rows a task, rows of text and merge gate as `base`; everything else as the whitepaper says. */
export function whitepaperSettings(base: TrainingSettings): TrainingSettings {
  return {
    ...base,
    optimizer: 'sgd',
    innerSteps: 1,
    rowsPerStep: base.innerSteps * base.rowsPerStep,
    schedule: { ...base.schedule, peak: 1, warmupSteps: 0, constantSteps: 0, decay: 'none' },
    weightDecay: 0,
    density: 0.001,
    selection: 'global',
    errorFeedbackDecay: 0,
    wire: { wire: 'binary_v2' },
    stepFraction: 1,
    gate: {
      ...base.gate,
      minRows: 2,
      maxRows: 2,
      interimZ: ABOVE_ZERO,
      finalZ: ABOVE_ZERO,
      harmZ: ABOVE_ZERO,
    },
    work: { ...base.work, rows: 0 },
    pay: { ...base.pay, rule: 'whitepaper' },
    aggregation: 'score-weighted',
    clipToMedianNorm: false,
  };
}
