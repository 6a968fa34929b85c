/**
 * @file The learning rate as a pure function of the global inner step, so that every miner of a round trains at the
 * same rate and a restart changes nothing (SPEC TRAIN-3). Warm-up first; then constant, cosine or inverse square root.
 */
import { requireSetting } from './errors.js';

export interface ScheduleSettings {
  /** Highest learning rate, > 0. */
  readonly peak: number;
  /** Inner steps of linear warm-up, ≥ 0. */
  readonly warmupSteps: number;
  /** Inner steps at the peak after warm-up, ≥ 0. */
  readonly constantSteps: number;
  /** What follows: stay, fall like a half cosine over `decaySteps`, or like 1/√step for ever. */
  readonly decay: 'none' | 'cosine' | 'inverse-sqrt';
  /** Inner steps of the cosine, ≥ 1; afterwards the rate stays at the floor. Ignored by the others. */
  readonly decaySteps: number;
  /** Lowest rate as a share of the peak, in [0, 1]. */
  readonly floor: number;
}

export const defaultScheduleSettings: ScheduleSettings = {
  peak: 6e-3,
  warmupSteps: 24,
  constantSteps: 1000,
  decay: 'inverse-sqrt',
  decaySteps: 10_000,
  floor: 0.1,
};

/**
 * Learning rate of inner step `globalStep` ≥ 0, counted over all rounds: round · innerSteps + step within the task.
 * Formulas: warm-up peak·(s+1)/w; cosine floor + (1−floor)·(1+cos πx)/2 (Loshchilov and Hutter 2017); inverse root
 * √(d₀/(d₀+d)) with d₀ the steps before decay began (Vaswani et al. 2017, made continuous at the join).
 */
export function learningRateAt(settings: ScheduleSettings, globalStep: number): number {
  const { peak, warmupSteps, constantSteps, decay, decaySteps, floor } = settings;
  requireSetting(peak > 0 && Number.isFinite(peak), 'schedule.peak', peak, 'positive');
  if (globalStep < warmupSteps) return (peak * (globalStep + 1)) / warmupSteps;
  const decayFrom = Math.max(1, warmupSteps + constantSteps);
  const into = globalStep - decayFrom;
  if (decay === 'none' || into <= 0) return peak;
  if (decay === 'inverse-sqrt') return peak * Math.max(floor, Math.sqrt(decayFrom / globalStep));
  const progress = Math.min(1, into / decaySteps);
  return peak * (floor + ((1 - floor) * (1 + Math.cos(Math.PI * progress))) / 2);
}

/** The rates of one task's steps, as they travel in the task. */
export function learningRatesOf(settings: ScheduleSettings, firstStep: number, steps: number): number[] {
  return Array.from({ length: steps }, (_, step) => learningRateAt(settings, firstStep + step));
}
