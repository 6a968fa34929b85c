/** @file The work of `alice train`: dataset, run, report and checkpoint put together. */
import { join } from 'node:path';
import { openDataset } from '@alice/data';
import { exportSafetensors, type ModelConfig, resolveModel, tensorsOf } from '@alice/model';
import { tokenizerIdOf } from '../dataset/tokenizerOf.js';
import { CliError } from '../errors.js';
import { LocalRunError } from './localRunError.js';
import { RunReport } from './runReport.js';
import type { RunSettings } from './runSettings.js';
import { type TrainRunPorts, trainRun } from './trainRun.js';
import { createTrainView, type TrainView } from './trainView.js';

export interface TrainCommandFlags {
  readonly preset: string;
  readonly data: string;
  readonly steps: number;
  readonly out: string;
  readonly optimizer: 'adamw' | 'muon';
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

/** Rows computed at once unless told otherwise: more need more memory and are hardly faster. */
const MICRO_BATCH = 8;

export async function runTrainCommand(
  flags: TrainCommandFlags,
  signal: AbortSignal,
): Promise<TrainCommandResult> {
  const model = resolveModel(flags.preset);
  const dataset = openDataset(flags.data);
  const tokenizerId = tokenizerIdOf(flags.preset);
  requireTokenizer(dataset.manifest.tokenizer.id, tokenizerId);
  const settings = settingsOf(flags, model, dataset.manifest.root);
  const about = `Alice ${model.name}, ${settings.optimizer}, ${settings.rowsPerStep} × ${settings.sequenceLength} tokens a step`;
  const report = new RunReport(flags.out, { title: about, uniformNats: Math.log(model.vocab) });
  const reporting = new Reporting(flags, settings, report);
  const result = await trainRun(
    {
      ...{ dir: flags.out, model, dataset, settings, threads: flags.threads, saveEvery: flags.saveEvery },
      ...{ microBatch: microBatchOf(flags), evaluateEvery: flags.evalEvery },
    },
    reporting.ports(signal),
  ).finally(() => reporting.stop());
  report.write();
  const dir = join(flags.out, 'model');
  await exportSafetensors({
    ...{ config: model, weights: tensorsOf(model, result.parameters), facts: { tokenizerId } },
    ...{ dtype: 'F32', dir },
  });
  return {
    ...{ finished: result.finished, step: result.step, model: dir, elapsedSeconds: result.elapsedSeconds },
    tokens: result.step * settings.rowsPerStep * settings.sequenceLength,
    lossNats: report.last?.lossNats ?? null,
    heldOutLossNats: report.last?.heldOutNats ?? null,
  };
}

function requireTokenizer(stored: string, wanted: string): void {
  if (stored === wanted) return;
  throw new LocalRunError(
    { code: 'RUN_TOKENIZER', stored, wanted },
    `these shards were made with ${stored}, the preset uses ${wanted}: build them with "alice data build --preset …"`,
  );
}

function settingsOf(flags: TrainCommandFlags, model: ModelConfig, dataRoot: string): RunSettings {
  const { preset, steps, optimizer, learningRate, weightDecay, rows, sequenceLength, seed } = flags;
  if (sequenceLength > model.context)
    throw new CliError(
      { code: 'OPTION_INVALID', option: '--sequence-length' },
      `--sequence-length takes at most ${model.context} for ${preset}, not ${sequenceLength}`,
    );
  const warmupSteps = flags.warmup ?? Math.ceil(steps / 20);
  return {
    ...{
      preset,
      steps,
      optimizer,
      learningRate,
      warmupSteps,
      weightDecay,
      rowsPerStep: rows,
      sequenceLength,
    },
    ...{ seed, dataRoot },
  };
}

/** The largest divisor of a step's rows that is not above what is wanted. */
function microBatchOf({ rows, microBatch = MICRO_BATCH }: TrainCommandFlags): number {
  for (let size = Math.min(rows, microBatch); size > 1; size--) if (rows % size === 0) return size;
  return 1;
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
        const { steps, rowsPerStep, sequenceLength } = this.#settings;
        const from = { step: resumedAt, elapsedSeconds: report.last?.elapsedSeconds ?? 0 };
        const quiet = this.#flags.json ?? false;
        this.#view = createTrainView(
          { steps, from, tokensPerStep: rowsPerStep * sequenceLength, quiet },
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
    };
  }

  stop(): void {
    this.#view?.stop();
  }
}
