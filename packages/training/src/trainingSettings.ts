/**
 * @file All dials of training, scoring and aggregation, with the measured defaults. The server owns them and sends what
 * a miner needs in each task, so that nothing is configured twice (SPEC TRAIN-3).
 */
import type { WireFormat } from '@alice/protocol';
import { type AggregationRule, defaultAggregatorOptions } from './aggregation/foldPlan.js';
import type { Selection } from './compression/topK.js';
import { requireSetting } from './errors.js';
import { defaultMergeGateSettings, type MergeGateSettings } from './mergeGate.js';
import { defaultScheduleSettings, type ScheduleSettings } from './schedule.js';
import { defaultSequentialTest, type SequentialTest } from './scoring/sequentialDecision.js';
import { defaultVerifiedScoreSettings, type VerifiedScoreSettings } from './scoring/verifiedScores.js';
import { defaultWorkPlan, type WorkPlan } from './scoring/workTests.js';

export interface TrainingSettings {
  /**
   * Inner optimiser. `muon` has no dense state; `adafactor` has none either and takes a tensor at a time, which models larger
   * than memory need; `adamw` must keep its state between tasks; `sgd` is the whitepaper's.
   */
  readonly optimizer: 'muon' | 'adafactor' | 'adamw' | 'sgd';
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
  /** Share of elements a submission carries, in (0, 1]. 0.03 halves the bytes and ends 1.5% higher in loss. */
  readonly density: number;
  /** Which elements: the largest of every chunk, or of the whole model (whitepaper). */
  readonly selection: Selection;
  /** Share of the residual kept each round, in [0, 1]; 0 turns error feedback off (whitepaper). */
  readonly errorFeedbackDecay: number;
  /** How deltas travel. Two bits a value cost nothing measurable: the rounding error stays in the residual. */
  readonly wire: WireFormat;
  /** How much of a delta is applied to score it, in (0, 1]: late in training full steps refuse honest work. */
  readonly stepFraction: number;
  /** Rows of one look of the sequential test, ≥ 1. */
  readonly scoringRows: number;
  readonly gate: SequentialTest;
  readonly work: WorkPlan;
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
  density: 0.06,
  selection: 'chunked',
  errorFeedbackDecay: 0.95,
  wire: { wire: 'binary_v3', valueBits: 2 },
  stepFraction: 0.25,
  scoringRows: 32,
  gate: defaultSequentialTest,
  work: defaultWorkPlan,
  pay: defaultVerifiedScoreSettings,
  aggregation: 'mean-by-work',
  aggregationGroups: defaultAggregatorOptions.groups,
  clipToMedianNorm: defaultAggregatorOptions.clip,
  outerLearningRate: 1,
  mergeGate: defaultMergeGateSettings,
  mergeRows: 64,
};

const whole = (least: number): Bounds => [
  `a whole number ≥ ${least}`,
  (value) => Number.isInteger(value) && value >= least,
];
const share: Bounds = ['in [0, 1]', (value) => value >= 0 && value <= 1];
const part: Bounds = ['in (0, 1]', (value) => value > 0 && value <= 1];
const positive: Bounds = ['positive and finite', (value) => value > 0 && Number.isFinite(value)];
const notNegative: Bounds = ['0 or more, finite', (value) => value >= 0 && Number.isFinite(value)];
const atLeastOne: Bounds = ['1 or more', (value) => value >= 1];

type Bounds = readonly [text: string, holds: (value: number) => boolean];

/** Refuses settings outside their bounds. Throws `SETTING_INVALID` naming the first one. */
export function checkTrainingSettings(settings: TrainingSettings): TrainingSettings {
  const { schedule, gate, work, pay, mergeGate } = settings;
  const table: readonly [setting: string, value: number, bounds: Bounds][] = [
    ['innerSteps', settings.innerSteps, whole(1)],
    ['rowsPerStep', settings.rowsPerStep, whole(1)],
    ['sequenceLength', settings.sequenceLength, whole(2)],
    ['schedule.peak', schedule.peak, positive],
    ['schedule.warmupSteps', schedule.warmupSteps, whole(0)],
    ['schedule.constantSteps', schedule.constantSteps, whole(0)],
    ['schedule.decaySteps', schedule.decaySteps, whole(1)],
    ['schedule.floor', schedule.floor, share],
    ['weightDecay', settings.weightDecay, share],
    ['gradientClip', settings.gradientClip, positive],
    ['density', settings.density, part],
    ['errorFeedbackDecay', settings.errorFeedbackDecay, share],
    [
      'wire.valueBits',
      settings.wire.wire === 'binary_v3' ? settings.wire.valueBits : 2,
      ['2, 4 or 8', (bits) => bits === 2 || bits === 4 || bits === 8],
    ],
    ['stepFraction', settings.stepFraction, part],
    ['scoringRows', settings.scoringRows, whole(1)],
    ['gate.minRows', gate.minRows, whole(2)],
    ['gate.maxRows', gate.maxRows, whole(gate.minRows)],
    ['gate.finalZ', gate.finalZ, positive],
    ['gate.interimZ', gate.interimZ, positive],
    ['gate.harmZ', gate.harmZ, positive],
    ['work.rows', work.rows, whole(0)],
    ['work.controlRows', work.controlRows, whole(1)],
    ['work.minReference', work.minReference, whole(1)],
    ['work.rowShareOfMedian', work.rowShareOfMedian, part],
    ['work.minCovered', work.minCovered, share],
    ['work.minMedian', work.minMedian, share],
    ['pay.equalShare', pay.equalShare, share],
    ['pay.gainCap', pay.gainCap, atLeastOne],
    ['pay.tokenCap', pay.tokenCap, atLeastOne],
    ['pay.smoothing', pay.smoothing, ['in [0, 1)', (value) => value >= 0 && value < 1]],
    [
      'aggregationGroups',
      settings.aggregationGroups,
      ['1 to 64', (n) => Number.isInteger(n) && n >= 1 && n <= 64],
    ],
    ['outerLearningRate', settings.outerLearningRate, positive],
    ['mergeGate.z', mergeGate.z, positive],
    ['mergeGate.maxRiseNats', mergeGate.maxRiseNats, notNegative],
    ['mergeGate.minRows', mergeGate.minRows, whole(2)],
    ['mergeRows', settings.mergeRows, whole(mergeGate.minRows)],
  ];
  for (const [setting, value, [text, holds]] of table) requireSetting(holds(value), setting, value, text);
  return settings;
}
