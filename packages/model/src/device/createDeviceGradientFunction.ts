/** @file The objectives with weights and gradients on the device: each as its function on the processor, with another return. */
import { plainText } from '../createGradientFunction.js';
import type { ModelConfig } from '../ModelConfig.js';
import { type MaskedBatch, maskedText } from '../objectives/createMaskedGradientFunction.js';
import {
  type PreferenceBatch,
  type PreferenceOptions,
  preferences,
} from '../objectives/createPreferenceGradientFunction.js';
import {
  type DeviceFunctionOptions,
  type DeviceGradientFunction,
  openDeviceGradient,
} from './openDeviceGradient.js';

/** Throws what `createGradientFunction` throws. */
export async function createDeviceGradientFunction(
  config: ModelConfig,
  options: DeviceFunctionOptions,
): Promise<DeviceGradientFunction> {
  return await openDeviceGradient(config, options, plainText);
}

/** Throws what `createMaskedGradientFunction` throws. */
export async function createDeviceMaskedGradientFunction(
  config: ModelConfig,
  options: DeviceFunctionOptions,
): Promise<DeviceGradientFunction<MaskedBatch>> {
  return await openDeviceGradient(config, options, maskedText(options));
}

export type DevicePreferenceOptions = Omit<DeviceFunctionOptions, 'batch'> &
  Pick<PreferenceOptions, 'pairs' | 'beta'>;

/** Its `batch` is two rows for each pair. Throws what `createPreferenceGradientFunction` throws. */
export async function createDevicePreferenceGradientFunction(
  config: ModelConfig,
  { pairs, beta, ...options }: DevicePreferenceOptions,
): Promise<DeviceGradientFunction<PreferenceBatch>> {
  const recipe = preferences({ pairs, beta, sequenceLength: options.sequenceLength });
  return await openDeviceGradient(config, { ...options, batch: 2 * pairs }, recipe);
}
