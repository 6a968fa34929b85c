/**
 * @file How quickly a newcomer sees something: runs `alice up` with its defaults in an empty folder for ten minutes and
 * reads its own report. The baseline of a loss is uniform guessing; the baseline of a time is the promise it must meet.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Bench, Figure } from './figure.js';

const MINUTES = Number(process.env['ALICE_BENCH_MINUTES'] ?? '10');
const SETUP_MS = 60_000;
const promised = { firstAcceptedSeconds: 60, firstEpochSeconds: 180, natsUnderUniform: 3 };

interface Report {
  uniformLossNats: number;
  versions: { heldOutLossNats: number | null; tokens: number; uplinkBytes: number }[];
  submissions: { accepted: number };
  firstAcceptedSeconds: number | null;
  firstEpochSeconds: number | null;
  epochs: unknown[];
}

export const localBench: Bench = {
  name: 'local',
  about: `a default network for ${MINUTES} minutes: time to the first accepted submission and epoch, loss reached`,
  async run(say) {
    const dir = mkdtempSync(join(tmpdir(), 'alice-bench-'));
    try {
      return figures(await runUp(dir, say));
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  },
};

/** Starts `alice up`, interrupts it after the time is over, returns its report. */
async function runUp(dir: string, say: (line: string) => void): Promise<Report> {
  const main = join(
    dirname(fileURLToPath(import.meta.url)),
    '..',
    '..',
    '..',
    'apps',
    'cli',
    'dist',
    'main.js',
  );
  const report = join(dir, 'report.json');
  const up = spawn(process.execPath, [main, 'up', '--dir', join(dir, 'network'), '--report', report], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let timer: NodeJS.Timeout | undefined;
  const stopAfter = (ms: number): void => {
    clearTimeout(timer);
    timer = setTimeout(() => up.kill('SIGINT'), ms);
  };
  stopAfter(MINUTES * 60_000 + SETUP_MS);
  up.stdout.on('data', (chunk: Buffer) => {
    const text = chunk.toString('utf8');
    if (text.includes('status page')) stopAfter(MINUTES * 60_000); // from here all processes are up
    say(text.trimEnd());
  });
  up.stderr.on('data', (chunk: Buffer) => say(chunk.toString('utf8').trimEnd()));
  const code = await new Promise<number | null>((resolve) => up.once('close', resolve));
  clearTimeout(timer);
  if (code !== 0) throw new Error(`alice up stopped with code ${code}`);
  return JSON.parse(readFileSync(report, 'utf8')) as Report;
}

function figures(report: Report): Figure[] {
  const scored = report.versions.filter((v) => v.heldOutLossNats !== null);
  const last = scored.at(-1);
  if (!last || report.firstAcceptedSeconds === null || report.firstEpochSeconds === null)
    throw new Error('the network accepted no submission or settled no epoch in the time of the bench');
  const loss = last.heldOutLossNats!;
  return [
    {
      name: 'first_accepted_s',
      value: report.firstAcceptedSeconds,
      unit: 's',
      baseline: promised.firstAcceptedSeconds,
      note: 'baseline: the promise',
    },
    {
      name: 'first_epoch_s',
      value: report.firstEpochSeconds,
      unit: 's',
      baseline: promised.firstEpochSeconds,
      note: 'baseline: the promise',
    },
    {
      name: 'held_out_loss',
      value: loss,
      unit: 'nats',
      baseline: report.uniformLossNats,
      note: `baseline: uniform guessing; after ${MINUTES} minutes`,
    },
    {
      name: 'nats_under_uniform',
      value: report.uniformLossNats - loss,
      unit: 'nats',
      baseline: promised.natsUnderUniform,
      note: 'baseline: the promise at ten minutes',
    },
    {
      name: 'trained_tokens',
      value: last.tokens,
      unit: 'tokens',
      baseline: null,
      note: 'by accepted submissions',
    },
    { name: 'versions', value: report.versions.length - 1, unit: 'rounds', baseline: null, note: 'applied' },
    {
      name: 'uplink_bytes_per_token',
      value: last.uplinkBytes / Math.max(1, last.tokens),
      unit: 'B/token',
      baseline: null,
      note: 'all miners',
    },
    { name: 'epochs', value: report.epochs.length, unit: 'epochs', baseline: null, note: 'settled' },
  ];
}
