/** @file What the training session computes with, replaceable in tests: gradients of the model and inner optimisers. */
import type { Platform } from '@alice/engine';
import { createGradientFunction, type GradientFunction, modelLayout } from '@alice/model';
import type { ModelMessage, TaskSettings, TensorLayout } from '@alice/protocol';
import { createAdamW, createMuon, createSgd, type InnerOptimizer } from '@alice/training';

export interface GradientShape {
  readonly batch: number;
  readonly sequenceLength: number;
  readonly threads: number;
}

export interface Compute {
  layoutOf(model: ModelMessage): TensorLayout;
  gradientFunction(model: ModelMessage, shape: GradientShape): Promise<GradientFunction>;
  optimizer(settings: TaskSettings, layout: TensorLayout, threads: number): Promise<InnerOptimizer>;
}

/** ONNX Runtime through the engine: Node's CPU, or the platform given. */
export function engineCompute(platform?: Platform, precision: 'fp32' | 'fp16' = 'fp32'): Compute {
  return {
    layoutOf: modelLayout,
    gradientFunction: (model, shape) => createGradientFunction(model, { ...shape, platform, precision }),
    optimizer: async ({ optimizer, weightDecay }, layout, threads) => {
      if (optimizer === 'sgd') return createSgd();
      if (optimizer === 'adamw') return createAdamW(layout, { weightDecay });
      return createMuon(layout, { threads, weightDecay, platform });
    },
  };
}
