/** @file What `alice train` shows: on a terminal one line that is kept up to date, elsewhere a line now and then. */
import pc from 'picocolors';
import { isDrawable } from '../terminal/LiveLines.js';
import type { LossRow } from './lossRecord.js';

export interface TrainView {
  step(row: LossRow): void;
  heldOut(step: number, nats: number): void;
  say(text: string): void;
  stop(): void;
}

export interface ViewOptions {
  readonly steps: number;
  /** Where this start began, for the rate. */
  readonly from: { readonly step: number; readonly elapsedSeconds: number };
  readonly tokensPerStep: number;
  readonly quiet: boolean;
}

const EVERY_MS = 5_000;
const REFRESH_MS = 200;

export function createTrainView(options: ViewOptions, nowMs: () => number): TrainView {
  const live = isDrawable(process.stdout);
  let shownMs = Number.NEGATIVE_INFINITY;
  let heldOut: number | undefined;
  const print = (line: string): void => {
    if (!options.quiet) process.stdout.write(live ? `\r\u001b[2K${line}` : `${line}\n`);
  };
  return {
    step(row) {
      const due = nowMs() - shownMs >= (live ? REFRESH_MS : EVERY_MS);
      if (!due && row.step !== options.steps) return;
      shownMs = nowMs();
      print(progressLine(row, options, heldOut));
    },
    heldOut(step, nats) {
      heldOut = nats;
      if (!live && !options.quiet)
        process.stdout.write(`  held-out loss ${nats.toFixed(4)} after step ${step}\n`);
    },
    say(text) {
      if (!options.quiet) process.stdout.write(`${live ? '\r\u001b[2K' : ''}${text}\n`);
    },
    stop() {
      if (live && !options.quiet) process.stdout.write('\n');
    },
  };
}

/** "  step 120/2000  loss 4.5123  held-out 4.6100  18240 tok/s  lr 2.9e-3  3m 12s left" */
export function progressLine(row: LossRow, options: ViewOptions, heldOutNats: number | undefined): string {
  const { steps, from, tokensPerStep } = options;
  const seconds = Math.max(1e-9, row.elapsedSeconds - from.elapsedSeconds);
  const perStep = seconds / Math.max(1, row.step - from.step);
  return [
    `  step ${row.step}/${steps}`,
    `loss ${pc.bold(row.lossNats.toFixed(4))}`,
    ...(heldOutNats === undefined ? [] : [`held-out ${heldOutNats.toFixed(4)}`]),
    `${Math.round(tokensPerStep / perStep)} tok/s`,
    `lr ${row.learningRate.toExponential(1)}`,
    `${duration((steps - row.step) * perStep)} left`,
  ].join('  ');
}

export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m ${whole % 60}s`;
  return `${Math.floor(whole / 3600)}h ${Math.floor((whole % 3600) / 60)}m`;
}
