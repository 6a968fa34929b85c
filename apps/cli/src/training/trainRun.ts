/**
 * @file Training on one machine: the honest baseline every distributed figure is compared with, without compression and
 * without a server. What is learned, and how a step is taken, is the learner's. Saved state falls on fixed steps only, so
 * a run that was killed and resumed ends with the same bits as one that was not.
 */
import type { Platform } from '@alice/engine';
import { initParameters, type ModelConfig, modelLayout } from '@alice/model';
import type { TensorLayout } from '@alice/protocol';
import {
  createAdafactor,
  createAdamW,
  createMuon,
  type InnerOptimizer,
  learningRateAt,
} from '@alice/training';
import type { Learner } from './learners/learner.js';
import { type LearnerNotice, type Lessons, openLearner } from './learners/openLearner.js';
import { makeFolder, writing } from './localRunError.js';
import type { LossRow } from './lossRecord.js';
import { type RunSettings, requireSameRun, scheduleOf, tokensPerStep } from './runSettings.js';
import { loadRun, type RunState, saveRun } from './runState.js';

export interface TrainRunOptions {
  readonly dir: string;
  readonly model: ModelConfig;
  readonly lessons: Lessons;
  readonly settings: RunSettings;
  /** Weights to begin with; random ones unless given. Not written. */
  readonly base?: Float32Array | undefined;
  /** Where graphs run; the processor unless given. */
  readonly platform?: Platform | undefined;
  readonly precision?: 'fp32' | 'fp16';
  readonly threads: number;
  /** Rows computed at once; divides `rowsPerStep`. */
  readonly microBatch: number;
  /** Steps between saves and between held-out losses; rounded up to whole segments. */
  readonly saveEvery: number;
  readonly evaluateEvery: number;
}

export interface TrainRunPorts {
  /** Aborting it ends the run after the segment it is in, saved. */
  readonly signal: AbortSignal;
  readonly nowMs: () => number;
  onStart(start: { readonly resumedAt: number; readonly heldOutNats: number | undefined }): void;
  onStep(row: LossRow, skipped: boolean): void;
  onHeldOut(step: number, heldOutNats: number): void;
  onNotice?: ((notice: LearnerNotice) => void) | undefined;
  /** The run so far is to be kept: called before the state itself is written. */
  onSave(step: number): void;
}

export interface TrainRunResult {
  readonly finished: boolean;
  readonly step: number;
  readonly parameters: Float32Array;
  readonly elapsedSeconds: number;
}

/** Steps between two points at which the run can be saved: copying weights in and out is then a small part of the time. */
export const SEGMENT_STEPS = 8;

interface Parts {
  readonly learner: Learner;
  readonly optimizer: InnerOptimizer;
}

/** Trains, or goes on with what lies in the folder. Throws `RUN_MISMATCH`, `RUN_DATA_TOO_SMALL`, `CHECKPOINT_*`. */
export async function trainRun(options: TrainRunOptions, ports: TrainRunPorts): Promise<TrainRunResult> {
  const { dir, model, settings } = options;
  writing(dir, () => makeFolder(dir));
  const stored = await loadRun(dir, model);
  if (stored) requireSameRun(dir, stored.settings, settings);
  const parts = await openParts(options, ports.onNotice);
  try {
    if (stored) parts.optimizer.importState(stored.optimizerState);
    const parameters = stored?.parameters ?? options.base?.slice() ?? initParameters(model, settings.seed);
    const from = stored?.step ?? 0;
    const heldOutNats = stored ? undefined : await parts.learner.heldOutNats(parameters);
    ports.onStart({ resumedAt: from, heldOutNats });
    return await segments({ ...options, ...parts }, ports, {
      ...{ step: from, elapsedSeconds: stored?.elapsedSeconds ?? 0, parameters },
    });
  } finally {
    await parts.optimizer.dispose();
    await parts.learner.dispose();
  }
}

async function openParts(options: TrainRunOptions, onNotice: TrainRunPorts['onNotice']): Promise<Parts> {
  const { model, lessons, settings, threads, base, precision = 'fp32' } = options;
  const layout = modelLayout(model);
  const { weightDecay } = settings;
  const [learner, optimizer] = await Promise.all([
    openLearner(lessons, { ...options, precision, onNotice }, base),
    openOptimizer(settings.optimizer, layout, { weightDecay, threads }),
  ]);
  return { learner, optimizer };
}

async function openOptimizer(
  name: RunSettings['optimizer'],
  layout: TensorLayout,
  options: { readonly weightDecay: number; readonly threads: number },
): Promise<InnerOptimizer> {
  if (name === 'adamw') return createAdamW(layout, options);
  if (name === 'adafactor') return createAdafactor(layout, options);
  return await createMuon(layout, options);
}

type Progress = Pick<RunState, 'step' | 'elapsedSeconds' | 'parameters'>;

async function segments(
  run: TrainRunOptions & Parts,
  ports: TrainRunPorts,
  from: Progress,
): Promise<TrainRunResult> {
  const { settings, saveEvery, evaluateEvery } = run;
  let { step, elapsedSeconds } = from;
  const { parameters } = from;
  let savedAt = step;
  while (step < settings.steps && !ports.signal.aborted) {
    const before = step;
    const steps = Math.min(SEGMENT_STEPS, settings.steps - step);
    elapsedSeconds = await trainSegment(run, ports, { step, elapsedSeconds, parameters, steps });
    step += steps;
    const crosses = (every: number): boolean => Math.floor(step / every) > Math.floor(before / every);
    const last = step === settings.steps || ports.signal.aborted;
    if (last || crosses(evaluateEvery)) {
      const nats = await run.learner.heldOutNats(parameters);
      if (nats !== undefined) ports.onHeldOut(step, nats);
    }
    if (!last && !crosses(saveEvery)) continue;
    savedAt = step;
    await save(run, ports, { step, elapsedSeconds, parameters });
  }
  if (savedAt < step) await save(run, ports, { step, elapsedSeconds, parameters });
  return { finished: step >= settings.steps, step, parameters, elapsedSeconds };
}

async function save(run: TrainRunOptions & Parts, ports: TrainRunPorts, progress: Progress): Promise<void> {
  ports.onSave(progress.step);
  const optimizerState = run.optimizer.exportState();
  await saveRun(run.dir, run.model, { ...progress, settings: run.settings, optimizerState });
}

/** Changes `parameters` in place; returns the time spent so far. */
async function trainSegment(
  run: TrainRunOptions & Parts,
  ports: TrainRunPorts,
  at: Progress & { readonly steps: number },
): Promise<number> {
  const { settings, learner, optimizer } = run;
  const schedule = scheduleOf(settings);
  const rate = (step: number): number => learningRateAt(schedule, step);
  const startMs = ports.nowMs();
  const elapsed = (): number => at.elapsedSeconds + (ports.nowMs() - startMs) / 1000;
  await learner.segment({
    ...{ step: at.step, steps: at.steps, parameters: at.parameters, optimizer, learningRateAt: rate },
    onStep: ({ step, lossNats, gradNormL2, skipped }) => {
      const number = step + 1;
      const row: LossRow = {
        ...{ step: number, tokens: number * tokensPerStep(settings), learningRate: rate(step) },
        ...{ lossNats: skipped ? Number.NaN : lossNats, gradNormL2, elapsedSeconds: elapsed() },
      };
      ports.onStep(row, skipped);
    },
  });
  return elapsed();
}
