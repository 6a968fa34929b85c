/** @file Alice's transformer: its shape, weights, gradients, losses and generation, and its tokenizer. */
export { createGradientFunction, type FunctionOptions } from './createGradientFunction.js';
export { createLogitsFunction, type LogitsFunction, type LogitsOptions } from './createLogitsFunction.js';
export { createLossFunction } from './createLossFunction.js';
export { ModelError, type ModelErrorInfo } from './errors.js';
export { type GenerateOptions, generate } from './generate.js';
export { initParameters } from './initParameters.js';
export type { GradientFunction, LossFunction } from './interface.js';
export { checkConfig, type ModelConfig } from './ModelConfig.js';
export { modelLayout, parameterCount } from './modelLayout.js';
export { type PresetName, presets, resolveModel } from './presets.js';
export { type InputsAndLabels, splitInputsAndLabels } from './splitInputsAndLabels.js';
export { openTokenizer, vocabOf } from './tokenizer/openTokenizer.js';
export type { Tokenizer } from './tokenizer/tokenizer.js';
export { TokenizerError, type TokenizerErrorInfo } from './tokenizer/tokenizerError.js';
