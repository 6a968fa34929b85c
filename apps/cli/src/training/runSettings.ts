/** @file What decides the result of a training run, fixed when it begins: a resumed run with another setting is refused. */
import type { ScheduleSettings } from '@alice/training';
import { LocalRunError } from './localRunError.js';

export interface RunSettings {
  readonly preset: string;
  readonly steps: number;
  readonly optimizer: 'adamw' | 'adafactor' | 'muon';
  readonly learningRate: number;
  readonly warmupSteps: number;
  readonly weightDecay: number;
  readonly rowsPerStep: number;
  readonly sequenceLength: number;
  readonly seed: string;
  /** Root hash of the shards. */
  readonly dataRoot: string;
  /** Left out: plain text. */
  readonly objective?: 'sft' | 'dpo';
  /** SHA-256 of the weights the run began with; left out: random ones. */
  readonly base?: string;
  /** Of preference learning. */
  readonly beta?: number;
}

/** Linear warm-up, then a half cosine down to a tenth of the peak at the last step. */
export function scheduleOf({ learningRate, warmupSteps, steps }: RunSettings): ScheduleSettings {
  return {
    ...{ peak: learningRate, warmupSteps, constantSteps: 0, decay: 'cosine', floor: 0.1 },
    decaySteps: Math.max(1, steps - warmupSteps),
  };
}

/** Tokens the model reads in a step; a pair of answers is two rows. */
export function tokensPerStep({ objective, rowsPerStep, sequenceLength }: RunSettings): number {
  return (objective === 'dpo' ? 2 : 1) * rowsPerStep * sequenceLength;
}

/** Throws `RUN_MISMATCH` for the first setting that differs. */
export function requireSameRun(dir: string, stored: RunSettings, asked: RunSettings): void {
  const settings = new Set([...Object.keys(stored), ...Object.keys(asked)]) as Set<keyof RunSettings>;
  for (const setting of settings) {
    const [before, value] = [stored[setting], asked[setting]];
    if (before === value) continue;
    throw new LocalRunError(
      { code: 'RUN_MISMATCH', dir, setting, stored: before, asked: value },
      `${dir} holds a run with ${setting} ${before}, asked is ${value}: use the same settings to go on, or another folder with --out`,
    );
  }
}
