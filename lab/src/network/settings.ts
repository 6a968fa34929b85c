/**
 * @file What a simulated network is made of. A run is a pure function of these settings: the seed decides weights, data,
 * batches, faults and attacks. The model is small so that a run takes seconds; the training functions are the real ones.
 */
import { type ModelConfig, resolveModel } from '@alice/model';
import type { WireFormat } from '@alice/protocol';
import { defaultTrainingSettings, type TrainingSettings } from '@alice/training';

/**
 * `none`: all is accepted. `score`: the paired gate alone, as in the whitepaper. `gate`: overlap checks before it. `work`: also
 * the work tests on probed batches.
 */
export type Policy = 'none' | 'score' | 'gate' | 'work';

export interface LabSettings {
  readonly seed: string;
  readonly model: ModelConfig;
  readonly training: TrainingSettings;
  readonly policy: Policy;
  readonly wire: WireFormat;
  /** Shards a task's rows are drawn from. */
  readonly shardsPerTask: number;
  /** Held-out rows of the curve, disjoint from what the merge gate sees. */
  readonly reportRows: number;
  /** Rounds from one measured point of the curve to the next; the loss of those between is that of the last point. */
  readonly reportEvery: number;
  /** Threads of one graph run; 1 where two runs must agree bit for bit. */
  readonly threads: number;
}

const VOCAB = 1024;
const CONTEXT = 64;

/** Two layers of width 64 and a vocabulary of 1,024: 229,696 parameters, about 20 ms an inner step of 512 tokens. */
export const labModel: ModelConfig = resolveModel('nano', {
  layers: 2,
  width: 64,
  heads: 2,
  kvHeads: 1,
  ffn: 192,
  context: CONTEXT,
  vocab: VOCAB,
});

/**
 * The default settings of the network at the lab's size: half the inner steps, shorter rows, a faster warm-up, and half
 * the density, which keeps the bytes per trained token.
 */
export const labTraining: TrainingSettings = {
  ...defaultTrainingSettings,
  innerSteps: 8,
  density: 0.03,
  sequenceLength: CONTEXT,
  schedule: { ...defaultTrainingSettings.schedule, peak: 1e-2, warmupSteps: 16 },
};

/** Settings of a run, any of them replaced. */
export function labSettings(overrides: Partial<LabSettings> = {}): LabSettings {
  return {
    seed: 'lab',
    model: labModel,
    training: labTraining,
    policy: 'work',
    wire: labTraining.wire,
    shardsPerTask: 4,
    reportRows: 64,
    reportEvery: 1,
    threads: 1,
    ...overrides,
  };
}

/** Whether the curve has a point after this round. */
export function isReported({ reportEvery }: Pick<LabSettings, 'reportEvery'>, round: number): boolean {
  return (round + 1) % reportEvery === 0;
}
