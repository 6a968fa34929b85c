/** @file Alice's transformer: its shape, weights, gradients, losses and generation, and its tokenizer. */

export type { Checkpoint } from './checkpoint/checkpoint.js';
export { CheckpointError, type CheckpointErrorInfo } from './checkpoint/checkpointError.js';
export type { StoredType } from './checkpoint/elementTypes.js';
export { exportGguf, type GgufExportOptions } from './checkpoint/exportGguf.js';
export {
  type ExportOptions,
  exportSafetensors,
  type SafetensorsExportOptions,
} from './checkpoint/exportSafetensors.js';
export type { CheckpointFacts } from './checkpoint/huggingFaceConfig.js';
export type { WrittenFile } from './checkpoint/nodeFiles.js';
export { openCheckpoint } from './checkpoint/openCheckpoint.js';
export {
  openSafetensors,
  type SafetensorsContent,
  type SafetensorsFile,
  type TensorToWrite,
  writeSafetensors,
} from './checkpoint/safetensorsFile.js';
export type { StoredTensor } from './checkpoint/safetensorsHeader.js';
export { type TensorSource, tensorsOf } from './checkpoint/tensorSource.js';
export { createElasticGradientFunction, type ElasticOptions } from './createElasticGradientFunction.js';
export { createGradientFunction } from './createGradientFunction.js';
export { createLogitsFunction, type LogitsFunction, type LogitsOptions } from './createLogitsFunction.js';
export { createLossFunction } from './createLossFunction.js';
export {
  createDeviceGradientFunction,
  createDeviceMaskedGradientFunction,
  createDevicePreferenceGradientFunction,
  type DevicePreferenceOptions,
} from './device/createDeviceGradientFunction.js';
export type {
  DeviceFunctionOptions,
  DeviceGradient,
  DeviceGradientFunction,
  DevicePart,
} from './device/openDeviceGradient.js';
export { ModelError, type ModelErrorInfo } from './errors.js';
export { createDecoder, type Decoder, type DecoderOptions } from './generation/createDecoder.js';
export { type ContinueOptions, continueText, type GenerateOptions, generate } from './generation/generate.js';
export type { FunctionOptions } from './gradientSession.js';
export { initialWeights, initParameters } from './initParameters.js';
export type { BatchGradient, GradientFunction, LossFunction } from './interface.js';
export { checkConfig, type ModelConfig } from './ModelConfig.js';
export { modelLayout, parameterCount } from './modelLayout.js';
export {
  createLogProbabilityFunction,
  type LogProbabilityFunction,
} from './objectives/createLogProbabilityFunction.js';
export {
  createMaskedGradientFunction,
  type MaskedBatch,
  type MaskedGradientFunction,
} from './objectives/createMaskedGradientFunction.js';
export {
  createPreferenceGradientFunction,
  type PreferenceBatch,
  type PreferenceGradientFunction,
  type PreferenceOptions,
  type PreferenceResult,
  preferenceLoss,
} from './objectives/createPreferenceGradientFunction.js';
export { cutMasked, cutPreferences, cutTokens } from './objectives/cutBatch.js';
export { learnedTokens, type MaskedRows, type PreferencePairs } from './objectives/maskedRows.js';
export { type Compiled, type Elastic, type ElasticParts, openElastic } from './openElastic.js';
export { type ElasticGradientParts, openElasticGradient } from './openElasticGradient.js';
export { type PresetName, presets, resolveModel } from './presets.js';
export { type InputsAndLabels, splitInputsAndLabels } from './splitInputsAndLabels.js';
export {
  createStreamedModel,
  type StreamedModel,
  type StreamedModelOptions,
} from './streaming/createStreamedModel.js';
export type { TensorGradient } from './streaming/GradientDelivery.js';
export type { WeightChange } from './streaming/modelPart.js';
export { openWeightFile, openWeightPages } from './streaming/openWeightFile.js';
export {
  memoryWeights,
  type StoredWeights,
  type WeightRange,
  type WeightSource,
} from './streaming/WeightSource.js';
export type { PagesSource } from './streaming/weightPages.js';
export { writeWeightPages } from './streaming/writeWeightPages.js';
export { openTokenizer, vocabOf } from './tokenizer/openTokenizer.js';
export type { Tokenizer } from './tokenizer/tokenizer.js';
export { TokenizerError, type TokenizerErrorInfo } from './tokenizer/tokenizerError.js';
