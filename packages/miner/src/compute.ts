/** @file What the training session computes with, replaceable in tests: gradients of the model and inner optimisers. */
import type { Platform } from '@alice/engine';
import {
  createDeviceGradientFunction,
  createGradientFunction,
  type DeviceGradientFunction,
  type GradientFunction,
  modelLayout,
} from '@alice/model';
import type { ModelMessage, TaskSettings, TensorLayout } from '@alice/protocol';
import { createAdafactor, createAdamW, createMuon, createSgd, type InnerOptimizer } from '@alice/training';

export interface GradientShape {
  readonly batch: number;
  readonly sequenceLength: number;
  readonly threads: number;
}

/** Weights go in and gradients come out, or both stay on the device. */
export type StepGradient = GradientFunction | DeviceGradientFunction;

export interface Compute {
  layoutOf(model: ModelMessage): TensorLayout;
  gradientFunction(model: ModelMessage, shape: GradientShape): Promise<StepGradient>;
  optimizer(settings: TaskSettings, layout: TensorLayout, threads: number): Promise<InnerOptimizer>;
}

/**
 * ONNX Runtime through the engine: Node's CPU, or the platform given. On a device with memory of its own weights stay
 * there for the whole of a task, where its runtime can keep them.
 */
export function engineCompute(platform?: Platform, precision: 'fp32' | 'fp16' = 'fp32'): Compute {
  return {
    layoutOf: modelLayout,
    gradientFunction: (model, shape) =>
      platform?.hasOwnMemory
        ? createDeviceGradientFunction(model, { ...shape, platform, precision })
        : createGradientFunction(model, { ...shape, platform, precision }),
    optimizer: async ({ optimizer, weightDecay }, layout, threads) => {
      if (optimizer === 'sgd') return createSgd();
      if (optimizer === 'adafactor') return createAdafactor(layout, { weightDecay });
      if (optimizer === 'adamw') return createAdamW(layout, { weightDecay });
      return createMuon(layout, { threads, weightDecay, platform });
    },
  };
}

/** The same gradients, each run after something else is done. */
export function runAfter(inner: StepGradient, before: () => Promise<void>): StepGradient {
  if ('parts' in inner) {
    const run: DeviceGradientFunction['run'] = async (weights, tokens) => {
      await before();
      return await inner.run(weights, tokens);
    };
    return { ...inner, run };
  }
  const run: GradientFunction['run'] = async (parameters, tokens, gradient) => {
    await before();
    return await inner.run(parameters, tokens, gradient);
  };
  return { ...inner, run };
}
