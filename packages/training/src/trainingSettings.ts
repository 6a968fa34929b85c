/**
 * @file All dials of training, scoring and aggregation, with the measured defaults. The server owns them and sends what
 * a miner needs in each task, so that nothing is configured twice (SPEC TRAIN-3).
 */
import { type AggregationRule, defaultAggregatorOptions } from './aggregation/streamingAggregator.js';
import type { Selection } from './compression/topK.js';
import { requireSetting } from './errors.js';
import { defaultMergeGateSettings, type MergeGateSettings } from './mergeGate.js';
import { defaultScheduleSettings, type ScheduleSettings } from './schedule.js';
import { defaultSequentialTest, type SequentialTest } from './scoring/sequentialDecision.js';
import { defaultVerifiedScoreSettings, type VerifiedScoreSettings } from './scoring/verifiedScores.js';

export interface TrainingSettings {
  /** Inner optimiser. `muon` has no dense state; `adamw` must keep its state between tasks. */
  readonly optimizer: 'muon' | 'adamw';
  /** Inner steps a full task asks for, 1 to 4096. 8 learns a little better, at twice the bytes per token. */
  readonly innerSteps: number;
  /** Sequences of one inner step, ≥ 1; a multiple of the miner's micro-batch. */
  readonly rowsPerStep: number;
  /** Tokens of a sequence, 2 to the model's context. */
  readonly sequenceLength: number;
  /** Learning rate by global inner step; see `learningRateAt`. */
  readonly schedule: ScheduleSettings;
  /** Decoupled weight decay per unit of learning rate, in [0, 1]. */
  readonly weightDecay: number;
  /** Global L2 norm a gradient is clipped to, > 0. */
  readonly gradientClip: number;
  /** Share of elements a submission carries, in (0, 1]. */
  readonly density: number;
  /** Which elements: the largest of every chunk, or of the whole model (whitepaper). */
  readonly selection: Selection;
  /** Share of the residual kept each round, in [0, 1]; 0 turns error feedback off (whitepaper). */
  readonly errorFeedbackDecay: number;
  /** How much of a delta is applied to score it, in (0, 1]: late in training full steps refuse honest work. */
  readonly stepFraction: number;
  /** Rows of one look of the sequential test, ≥ 1. */
  readonly scoringRows: number;
  readonly gate: SequentialTest;
  readonly pay: VerifiedScoreSettings;
  readonly aggregation: AggregationRule;
  /** Groups of `median-of-means`, 1 to 64. */
  readonly aggregationGroups: number;
  /** Clip each tensor to the median submitter's norm. Off only to reproduce the whitepaper. */
  readonly clipToMedianNorm: boolean;
  /** Outer learning rate, > 0. Re-tune it as miners grow: a mean shrinks what few of them sent. */
  readonly outerLearningRate: number;
  readonly mergeGate: MergeGateSettings;
  /** Held-out rows the merge gate compares, ≥ `mergeGate.minRows`. */
  readonly mergeRows: number;
}

export const defaultTrainingSettings: TrainingSettings = {
  optimizer: 'muon',
  innerSteps: 16,
  rowsPerStep: 8,
  sequenceLength: 128,
  schedule: defaultScheduleSettings,
  weightDecay: 0.01,
  gradientClip: 1,
  density: 0.03,
  selection: 'chunked',
  errorFeedbackDecay: 0.95,
  stepFraction: 0.25,
  scoringRows: 32,
  gate: defaultSequentialTest,
  pay: defaultVerifiedScoreSettings,
  aggregation: defaultAggregatorOptions.rule,
  aggregationGroups: defaultAggregatorOptions.groups,
  clipToMedianNorm: defaultAggregatorOptions.clip,
  outerLearningRate: 1,
  mergeGate: defaultMergeGateSettings,
  mergeRows: 64,
};

/** Refuses settings outside their bounds. Throws `SETTING_INVALID` naming the first one. */
export function checkTrainingSettings(settings: TrainingSettings): TrainingSettings {
  const whole = (
    name: 'innerSteps' | 'rowsPerStep' | 'sequenceLength' | 'scoringRows' | 'mergeRows',
    min: number,
  ) =>
    requireSetting(
      Number.isInteger(settings[name]) && settings[name] >= min,
      name,
      settings[name],
      `a whole number ≥ ${min}`,
    );
  whole('innerSteps', 1);
  whole('rowsPerStep', 1);
  whole('sequenceLength', 2);
  whole('scoringRows', 1);
  whole('mergeRows', settings.mergeGate.minRows);
  const share = (name: 'weightDecay' | 'errorFeedbackDecay') =>
    requireSetting(settings[name] >= 0 && settings[name] <= 1, name, settings[name], 'in [0, 1]');
  share('weightDecay');
  share('errorFeedbackDecay');
  const part = (name: 'density' | 'stepFraction') =>
    requireSetting(settings[name] > 0 && settings[name] <= 1, name, settings[name], 'in (0, 1]');
  part('density');
  part('stepFraction');
  const positive = (name: 'gradientClip' | 'outerLearningRate') =>
    requireSetting(settings[name] > 0 && Number.isFinite(settings[name]), name, settings[name], 'positive');
  positive('gradientClip');
  positive('outerLearningRate');
  return settings;
}
