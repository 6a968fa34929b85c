/**
 * @file Progress of long work: a bar with rate and time left on a terminal, a line now and then elsewhere, nothing when
 * quiet. What is done within two seconds shows nothing at all. Written to the error output, so results can be piped.
 */
import cliProgress from 'cli-progress';
import { isDrawable } from './terminal/LiveLines.js';

export interface Progress {
  update(done: number, total: number): void;
  stop(): void;
}

export interface ProgressOptions {
  /** What `done` and `total` count, as printed ("MB", "documents"). */
  readonly unit: string;
  readonly quiet: boolean;
  /** Printed amounts are this many times those given. */
  readonly scale?: number;
}

/** What this needs of its surroundings. */
export interface ProgressPorts {
  readonly output: NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };
  readonly nowMs: () => number;
}

const SILENT: Progress = { update: () => undefined, stop: () => undefined };
const QUICK_MS = 2_000;
const LINE_EVERY = 0.25;
const LARGEST_BAR = 24;
const SMALLEST_BAR = 5;
/** Columns for percentage, amounts, rate and time left: what is cut off at the edge is what people look for. */
const WORDS = 46;

export function createProgress(
  label: string,
  options: ProgressOptions,
  ports: ProgressPorts = { output: process.stderr, nowMs: Date.now },
): Progress {
  if (options.quiet) return SILENT;
  const amounts = new Amounts(options, ports.nowMs);
  return isDrawable(ports.output) ? bar(label, amounts, ports) : lines(label, amounts, ports);
}

/** The bar of one piece of work, gone when the work is, however it ends. */
export async function withProgress<T>(
  label: string,
  options: ProgressOptions,
  work: (update: Progress['update']) => Promise<T>,
): Promise<T> {
  const progress = createProgress(label, options);
  try {
    return await work(progress.update);
  } finally {
    progress.stop();
  }
}

/** Amounts, rate and time left in the unit that is printed. */
class Amounts {
  readonly unit: string;
  readonly #scale: number;
  readonly #nowMs: () => number;
  #startMs = 0;
  #first: number | undefined;
  #done = 0;
  #total = 0;

  constructor({ unit, scale = 1 }: ProgressOptions, nowMs: () => number) {
    this.unit = unit;
    this.#scale = scale;
    this.#nowMs = nowMs;
  }

  /** Gives how much is done, 0 to 1. */
  set(done: number, total: number): number {
    if (this.#first === undefined) {
      this.#first = done; // what an earlier run had done says nothing about the speed of this one
      this.#startMs = this.#nowMs();
    }
    this.#done = done;
    this.#total = Math.max(done, total);
    return this.#total > 0 ? done / this.#total : 0;
  }

  get isQuick(): boolean {
    return this.#nowMs() - this.#startMs < QUICK_MS;
  }

  /** Such as `12/30 MB, 3.1 MB/s, 6 s left`. */
  get text(): string {
    const perSecond = (1000 * (this.#done - (this.#first ?? 0))) / Math.max(1, this.#nowMs() - this.#startMs);
    const amount = `${Math.round(this.#done * this.#scale)}/${Math.round(this.#total * this.#scale)} ${this.unit}`;
    if (perSecond <= 0) return amount;
    const rate = perSecond * this.#scale;
    const left = (this.#total - this.#done) / perSecond;
    return `${amount}, ${rate.toFixed(rate < 10 ? 1 : 0)} ${this.unit}/s, ${timeText(left)} left`;
  }
}

function bar(label: string, amounts: Amounts, { output }: ProgressPorts): Progress {
  const display = new cliProgress.SingleBar(
    {
      ...{ format: `  ${label} {bar} {percentage}%  {text}`, hideCursor: true, stream: output },
      barsize: barSize(label, output.columns),
    },
    cliProgress.Presets.shades_classic,
  );
  let isShown = false;
  return {
    update: (done, total) => {
      const part = amounts.set(done, total);
      if (!isShown && amounts.isQuick) return;
      const { text } = amounts;
      if (isShown) display.update(part, { text });
      else display.start(1, part, { text });
      isShown = true;
    },
    stop: () => {
      if (isShown) display.stop();
    },
  };
}

function barSize(label: string, columns = 80): number {
  return Math.max(SMALLEST_BAR, Math.min(LARGEST_BAR, columns - label.length - WORDS));
}

function lines(label: string, amounts: Amounts, { output }: ProgressPorts): Progress {
  let next = 0;
  return {
    update: (done, total) => {
      const part = amounts.set(done, total);
      if (part < next || amounts.isQuick) return;
      next = part + LINE_EVERY;
      output.write(`  ${label}: ${Math.round(part * 100)}% (${amounts.text})\n`);
    },
    stop: () => undefined,
  };
}

export function timeText(seconds: number): string {
  const s = Math.round(seconds);
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
}
