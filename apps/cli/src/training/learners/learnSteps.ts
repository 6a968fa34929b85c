/**
 * @file The loop of a segment for objectives beyond plain text: gradient, clipping, optimiser. A step whose loss or
 * gradient is not finite is left out and reported, as the miner's own loop does it.
 */
import { clipGradient, DEFAULT_CLIP_NORM } from '@alice/training';
import type { LearnerWork } from './learner.js';

/** `gradientOf` overwrites `gradient` with the mean gradient of a step and returns the mean loss, nats. */
export async function learnSteps(
  { step: first, steps, parameters, optimizer, learningRateAt, onStep }: LearnerWork,
  gradientOf: (step: number, gradient: Float32Array) => Promise<number>,
): Promise<void> {
  const gradient = new Float32Array(parameters.length);
  for (let step = first; step < first + steps; step++) {
    const lossNats = await gradientOf(step, gradient);
    const { norm, finite } = clipGradient(gradient, DEFAULT_CLIP_NORM);
    const skipped = !finite || !Number.isFinite(lossNats);
    if (!skipped) await optimizer.step({ parameters, gradient, learningRate: learningRateAt(step) });
    onStep({ step, lossNats, gradNormL2: norm, skipped });
  }
}

/** Sums what `gradientOf` gives for each of `parts` micro-batches into `gradient`; returns the sum of the losses. */
export async function accumulate(
  parts: number,
  gradient: Float32Array,
  gradientOf: (part: number, gradient: Float32Array) => Promise<number>,
): Promise<number> {
  if (parts === 1) return await gradientOf(0, gradient);
  const own = new Float32Array(gradient.length);
  gradient.fill(0);
  let loss = 0;
  for (let part = 0; part < parts; part++) {
    loss += await gradientOf(part, own);
    for (let i = 0; i < own.length; i++) gradient[i]! += own[i]!;
  }
  return loss;
}
