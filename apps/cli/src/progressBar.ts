/** @file Progress of long work: a bar with rate and time left on a terminal, a line now and then elsewhere, nothing when quiet. */
import cliProgress from 'cli-progress';

export interface Progress {
  update(done: number, total: number): void;
  stop(): void;
}

const SILENT: Progress = { update: () => undefined, stop: () => undefined };
const LINE_EVERY = 0.25;

/** `unit` is what `done` and `total` count, as printed ("MB", "documents"). */
export function createProgress(
  label: string,
  options: { unit: string; quiet: boolean; scale?: number },
): Progress {
  if (options.quiet) return SILENT;
  return process.stdout.isTTY ? bar(label, options) : lines(label, options);
}

function bar(label: string, { unit, scale = 1 }: { unit: string; scale?: number }): Progress {
  const display = new cliProgress.SingleBar(
    {
      format: `  ${label} {bar} {percentage}%  {value}/{total} ${unit}  {eta_formatted} left`,
      hideCursor: true,
      etaBuffer: 50,
    },
    cliProgress.Presets.shades_classic,
  );
  let started = false;
  return {
    update: (done, total) => {
      const [value, end] = [Math.round(done * scale), Math.max(1, Math.round(total * scale))];
      if (!started) display.start(end, value);
      else {
        display.setTotal(end);
        display.update(value);
      }
      started = true;
    },
    stop: () => {
      if (started) display.stop();
    },
  };
}

function lines(label: string, { unit, scale = 1 }: { unit: string; scale?: number }): Progress {
  let next = 0;
  return {
    update: (done, total) => {
      const part = total > 0 ? done / total : 0;
      if (part < next) return;
      next = part + LINE_EVERY;
      process.stdout.write(
        `  ${label}: ${Math.round(part * 100)}% (${Math.round(done * scale)}/${Math.round(total * scale)} ${unit})\n`,
      );
    },
    stop: () => undefined,
  };
}
