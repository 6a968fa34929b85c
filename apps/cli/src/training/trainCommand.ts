/** @file The work of `alice train`: dataset, run, report and checkpoint put together. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { exportSafetensors, type ModelConfig, openCheckpoint, resolveModel, tensorsOf } from '@alice/model';
import { bytesOf } from '@alice/protocol';
import { tokenizerIdOf } from '../dataset/tokenizerOf.js';
import { CliError } from '../errors.js';
import { type DeviceFlags, openComputing, type PrecisionFlags } from './deviceOption.js';
import { type LearnerNotice, type ObjectiveName, openLessons } from './learners/openLearner.js';
import { LocalRunError } from './localRunError.js';
import { microBatchOf } from './microBatch.js';
import { checkpointDir } from './modelSource.js';
import { withRunLock } from './runLock.js';
import { RunReport } from './runReport.js';
import { type RunSettings, tokensPerStep } from './runSettings.js';
import { type TrainRunOptions, type TrainRunPorts, trainRun } from './trainRun.js';
import { createTrainView, type TrainView } from './trainView.js';

export interface TrainCommandFlags extends DeviceFlags, PrecisionFlags {
  readonly preset: string;
  readonly data: string;
  readonly objective: ObjectiveName;
  /** Checkpoint to begin with. */
  readonly from?: string;
  readonly beta: number;
  readonly steps: number;
  readonly out: string;
  readonly optimizer: 'adamw' | 'adafactor' | 'muon';
  readonly learningRate: number;
  readonly warmup?: number;
  readonly weightDecay: number;
  readonly rows: number;
  readonly microBatch?: number;
  readonly sequenceLength: number;
  readonly seed: string;
  readonly saveEvery: number;
  readonly evalEvery: number;
  readonly threads: number;
  readonly json?: boolean;
}

export interface TrainCommandResult {
  readonly finished: boolean;
  readonly step: number;
  /** Folder of the checkpoint. */
  readonly model: string;
  readonly tokens: number;
  readonly elapsedSeconds: number;
  readonly lossNats: number | null;
  readonly heldOutLossNats: number | null;
}

export async function runTrainCommand(
  flags: TrainCommandFlags,
  signal: AbortSignal,
): Promise<TrainCommandResult> {
  const { model, tokenizerId, base } = await beginning(flags);
  const lessons = openLessons(flags.objective, flags.data);
  const { manifest } = lessons.dataset;
  requireTokenizer(manifest.tokenizer.id, tokenizerId);
  const settings = settingsOf(flags, model, { dataRoot: manifest.root, base });
  const { device, platform } = await openComputing(flags);
  const { out, threads, saveEvery, evalEvery, precision } = flags;
  const run = {
    ...{ dir: out, model, lessons, settings, threads, saveEvery, evaluateEvery: evalEvery },
    ...{ base, platform, precision, microBatch: microBatchOf({ ...flags, onProcessor: device === 'cpu' }) },
  };
  return await withRunLock(out, () => trainAndKeep(run, { flags, tokenizerId, signal }));
}

/** To the end or the signal, and what came of it as a checkpoint. */
async function trainAndKeep(
  run: TrainRunOptions,
  { flags, tokenizerId, signal }: { flags: TrainCommandFlags; tokenizerId: string; signal: AbortSignal },
): Promise<TrainCommandResult> {
  const { model, settings } = run;
  const about = `Alice ${model.name}, ${settings.optimizer}, ${tokensPerStep(settings)} tokens a step`;
  const report = new RunReport(run.dir, { title: about, uniformNats: Math.log(model.vocab) });
  const reporting = new Reporting(flags, settings, report);
  const result = await trainRun(run, reporting.ports(signal)).finally(() => reporting.stop());
  report.write();
  const dir = join(run.dir, 'model');
  await exportSafetensors({
    ...{ config: model, weights: tensorsOf(model, result.parameters), facts: { tokenizerId } },
    ...{ dtype: 'F32', dir },
  });
  return {
    ...{ finished: result.finished, step: result.step, model: dir, elapsedSeconds: result.elapsedSeconds },
    tokens: result.step * tokensPerStep(settings),
    lossNats: report.last?.lossNats ?? null,
    heldOutLossNats: report.last?.heldOutNats ?? null,
  };
}

interface Beginning {
  readonly model: ModelConfig;
  readonly tokenizerId: string;
  /** Weights to begin with; absent: random ones. */
  readonly base?: Float32Array;
}

/** The checkpoint of `--from`, whose model then counts instead of the preset; else the preset with random weights. */
async function beginning({ from, preset }: TrainCommandFlags): Promise<Beginning> {
  if (from === undefined) return { model: resolveModel(preset), tokenizerId: tokenizerIdOf(preset) };
  const checkpoint = await openCheckpoint(checkpointDir(from));
  try {
    const { config, facts } = checkpoint;
    return { model: config, tokenizerId: facts.tokenizerId, base: await checkpoint.parameters() };
  } finally {
    await checkpoint.close();
  }
}

function requireTokenizer(stored: string, wanted: string): void {
  if (stored === wanted) return;
  throw new LocalRunError(
    { code: 'RUN_TOKENIZER', stored, wanted },
    `these shards were made with ${stored}, the preset uses ${wanted}: build them with "alice data build --preset …"`,
  );
}

function settingsOf(
  flags: TrainCommandFlags,
  model: ModelConfig,
  { dataRoot, base }: { dataRoot: string; base: Float32Array | undefined },
): RunSettings {
  const { objective, beta, steps, optimizer, learningRate, weightDecay, rows, sequenceLength, seed } = flags;
  if (sequenceLength > model.context)
    throw new CliError(
      { code: 'OPTION_INVALID', option: '--sequence-length' },
      `--sequence-length takes at most ${model.context} for ${model.name}, not ${sequenceLength}`,
    );
  const warmupSteps = flags.warmup ?? Math.ceil(steps / 20);
  return {
    ...{
      preset: model.name,
      steps,
      optimizer,
      learningRate,
      warmupSteps,
      weightDecay,
      rowsPerStep: rows,
      sequenceLength,
    },
    ...{ seed, dataRoot },
    ...(objective !== 'lm' && { objective }),
    ...(objective === 'dpo' && { beta }),
    ...(base && { base: createHash('sha256').update(bytesOf(base)).digest('hex') }),
  };
}

function noticeText(notice: LearnerNotice): string {
  return notice.kind === 'micro-batch'
    ? `memory is short: ${notice.rows} row(s) or pair(s) are computed at once; a step is as large as before`
    : `FP16 gradients overflowed: computed again, scaled by ${notice.scale}`;
}

/** Passes what happens in a run on to the report and the terminal. */
class Reporting {
  readonly #flags: TrainCommandFlags;
  readonly #settings: RunSettings;
  readonly #report: RunReport;
  #view: TrainView | undefined;

  constructor(flags: TrainCommandFlags, settings: RunSettings, report: RunReport) {
    this.#flags = flags;
    this.#settings = settings;
    this.#report = report;
  }

  ports(signal: AbortSignal): TrainRunPorts {
    const nowMs = (): number => performance.now();
    const report = this.#report;
    signal.addEventListener(
      'abort',
      () => this.#view?.say('  finishing the last steps; the run will be saved'),
      { once: true },
    );
    return {
      ...{ signal, nowMs },
      onStart: ({ resumedAt, heldOutNats }) => {
        report.resume(resumedAt);
        const { steps } = this.#settings;
        const from = { step: resumedAt, elapsedSeconds: report.last?.elapsedSeconds ?? 0 };
        const quiet = this.#flags.json ?? false;
        this.#view = createTrainView(
          { steps, from, tokensPerStep: tokensPerStep(this.#settings), quiet },
          nowMs,
        );
        if (resumedAt > 0) this.#view.say(`  going on after step ${resumedAt} of ${steps}`);
        if (heldOutNats !== undefined) this.#view.heldOut(0, heldOutNats);
      },
      onStep: (row, skipped) => {
        report.add(row);
        if (skipped) this.#view?.say(`  step ${row.step} was left out: its loss or gradient is not a number`);
        else this.#view?.step(row);
      },
      onHeldOut: (step, nats) => {
        report.heldOut(step, nats);
        this.#view?.heldOut(step, nats);
      },
      onSave: () => report.write(),
      onNotice: (notice) => this.#view?.say(`  ${noticeText(notice)}`),
    };
  }

  stop(): void {
    this.#view?.stop();
  }
}
