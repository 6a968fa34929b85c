/** @file What both sides and the lab share of training: local steps, compression, scoring, aggregation, model copies. */

export { addExactly } from './aggregation/exactSum.js';
export {
  type AcceptedSubmission,
  type AggregationRule,
  type AggregatorOptions,
  defaultAggregatorOptions,
  groupsOf,
} from './aggregation/foldPlan.js';
export {
  type Folded,
  type FoldedPart,
  type FoldOptions,
  foldSubmissions,
  type WeightReader,
} from './aggregation/foldSubmissions.js';
export { type OuterStepOptions, outerStep } from './aggregation/outerStep.js';
export { changedShare, publishHalves, publishHalvesLike } from './aggregation/publishHalves.js';
export { StreamingAggregator } from './aggregation/streamingAggregator.js';
export {
  MemoryTermStore,
  PART_ELEMENTS,
  type Term,
  type TermStore,
} from './aggregation/termStore.js';
export { workShares } from './aggregation/workShares.js';
export { applyDelta } from './applyDelta.js';
export { ErrorFeedback, type ErrorFeedbackOptions } from './compression/errorFeedback.js';
export {
  PartwiseErrorFeedback,
  type PartwiseErrorFeedbackOptions,
} from './compression/PartwiseErrorFeedback.js';
export { type Selection, selectTopK, type TopKOptions } from './compression/topK.js';
export { TrainingError, type TrainingErrorInfo } from './errors.js';
export { denseDelta, type FlatDelta, flattenDelta } from './flatDelta.js';
export { layerwiseSettings } from './layerwiseSettings.js';
export { type LocalTrainingOptions, type LocalTrainingResult, trainLocally } from './localTraining.js';
export {
  decideMerge,
  defaultMergeGateSettings,
  type MergeDecision,
  type MergeGateSettings,
} from './mergeGate.js';
export {
  type BlobPart,
  deltaChain,
  deltasOf,
  isHealedBySnapshot,
  type ModelReplica,
  parametersOf,
  type ReplicaManifest,
  type ReplicaSource,
  requireRoot,
  snapshotOf,
  syncReplica,
} from './modelReplica.js';
export {
  type Adafactor,
  type AdafactorOptions,
  createAdafactor,
  type TensorwiseStep,
} from './optimizers/adafactor.js';
export { type AdamWOptions, createAdamW } from './optimizers/adamW.js';
export { type ClipResult, clipGradient } from './optimizers/clipGradient.js';
export type { InnerOptimizer, OptimizerStep } from './optimizers/innerOptimizer.js';
export { createMuon, type MuonOptions } from './optimizers/muon.js';
export { createSgd } from './optimizers/sgd.js';
export { changedWeights } from './paged/changedWeights.js';
export {
  requireStreamable,
  type StreamedTrainingOptions,
  type StreamedTrainingResult,
  trainStreamed,
} from './paged/trainStreamed.js';
export {
  defaultScheduleSettings,
  learningRateAt,
  learningRatesOf,
  type ScheduleSettings,
} from './schedule.js';
export { CopyIndex } from './scoring/CopyIndex.js';
export { foldedGains, type SizedGain } from './scoring/foldedGains.js';
export {
  defaultFreshnessSettings,
  type FreshnessSettings,
  freshShares,
  leanOnOlder,
} from './scoring/freshness.js';
export {
  type IndexSketch,
  mayBeCopies,
  sketchIndices,
} from './scoring/indexSketch.js';
export {
  defaultOverlapThresholds,
  type Likeness,
  likenessOf,
  type Overlap,
  type OverlapThresholds,
  overlapOf,
} from './scoring/overlap.js';
export { type PairedScore, type PairedScoreOptions, pairedScore } from './scoring/pairedScore.js';
export { type PairedStatistics, pairedStatistics } from './scoring/pairedStatistics.js';
export {
  type ElementRange,
  entriesWithin,
  overlapWithUpdate,
  type PublishedUpdate,
  publishedUpdate,
  rangesAround,
  updateOf,
  updateRanges,
} from './scoring/publishedUpdate.js';
export {
  breakEvenPenaltyTasks,
  cheatingValueTasks,
  defaultSamplingSettings,
  type SamplingSettings,
} from './scoring/sampledValidation.js';
export {
  type ScoringBatch,
  type SequentialScore,
  type SequentialScoreOptions,
  scoreSequentially,
} from './scoring/scoreSequentially.js';
export {
  defaultSequentialTest,
  isGainShown,
  type RefusalReason,
  type SequentialDecision,
  type SequentialTest,
  sequentialDecision,
} from './scoring/sequentialDecision.js';
export {
  defaultVerifiedScoreSettings,
  type GatedSubmission,
  type VerifiedScore,
  type VerifiedScoreSettings,
  verifiedScores,
} from './scoring/verifiedScores.js';
export {
  assignedGapNats,
  type CoverageSettings,
  coverageNats,
  coveredShares,
  defaultCoverageSettings,
  defaultWorkPlan,
  defaultWorkTestSettings,
  gapVerdict,
  type RowGaps,
  rowGapsNats,
  vouchedTokens,
  type WorkPlan,
  type WorkTestSettings,
} from './scoring/workTests.js';
export { checkTrainingSettings, defaultTrainingSettings, type TrainingSettings } from './trainingSettings.js';
export {
  DEFAULT_CLIP_NORM,
  type StepReport,
  type TrainedSteps,
  type TrainStepsOptions,
  trainSteps,
} from './trainSteps.js';
export { whitepaperSettings } from './whitepaperSettings.js';
