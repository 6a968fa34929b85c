/**
 * @file `npm run -s bench -- NAME [--json]`: runs one bench and prints its figures, as a table or as one JSON object
 * {bench, machine, commit, figures}. Exit code 0 when every figure was measured.
 */
import { execFileSync } from 'node:child_process';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { messageOf } from '@alice/protocol';
import { browserBench } from './browser.js';
import { chainBench } from './chain.js';
import { copiesBench } from './copies.js';
import { dataBench } from './data.js';
import { engineBench } from './engine.js';
import type { Bench, Figure } from './figure.js';
import { foldBench } from './fold.js';
import { generationBench } from './generation.js';
import { localBench } from './local.js';
import { serverBench } from './server.js';
import { sevenBBench } from './sevenB.js';
import { weightsBench } from './weights.js';
import { wireBench } from './wire.js';

const BENCHES: readonly Bench[] = [
  browserBench,
  engineBench,
  chainBench,
  copiesBench,
  dataBench,
  foldBench,
  generationBench,
  localBench,
  serverBench,
  sevenBBench,
  weightsBench,
  wireBench,
];

function machine(): Record<string, string | number> {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.versions.node,
    platform: `${process.platform}-${process.arch}`,
  };
}

function commit(): string {
  try {
    const git = (...args: string[]): string =>
      execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    return `${git('rev-parse', '--short', 'HEAD')}${git('status', '--porcelain') === '' ? '' : ' (changed)'}`;
  } catch {
    return 'unknown';
  }
}

function table(figures: readonly Figure[]): string {
  const number = (value: number): string =>
    Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(4);
  return figures
    .map(
      (f) =>
        `${f.name.padEnd(32)} ${number(f.value).padStart(12)} ${f.unit.padEnd(10)} ${f.baseline === null ? '' : `baseline ${number(f.baseline)}`}  ${f.note}`,
    )
    .join('\n');
}

async function main(args: readonly string[]): Promise<number> {
  const json = args.includes('--json');
  const name = args.find((arg) => !arg.startsWith('-'));
  const bench = BENCHES.find((b) => b.name === name);
  if (!bench) {
    console.error(
      `BENCH_UNKNOWN: ${name ?? 'no name given'}. Benches:\n${BENCHES.map((b) => `  ${b.name.padEnd(10)} ${b.about}`).join('\n')}`,
    );
    return 2;
  }
  try {
    const figures = await bench.run((line) => console.error(line));
    console.log(
      json
        ? JSON.stringify({ bench: bench.name, machine: machine(), commit: commit(), figures })
        : table(figures),
    );
    return 0;
  } catch (error) {
    console.error(`BENCH_FAILED: ${messageOf(error)}`);
    return 1;
  }
}

process.exitCode = await main(process.argv.slice(2));
