/**
 * @file `npm run fuzz:nightly [-- --inputs N] [--jobs N] [--seed TEXT] [--out FILE]`: ten million inputs for the decoders of
 * submissions and some for the chain's, in slices, each a process of its own: one that crashes, runs out of memory or never
 * ends is a finding too, and its seed makes it happen again. Prints, and writes to FILE, what the inputs ended in.
 */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { messageOf } from '@alice/protocol';
import { markdownOf } from '../report/markdown.js';
import type { SerialReport } from './fuzzer.js';

/** Inputs in all, and of one process. */
const PLAN = [
  { name: 'wire', inputs: 10_000_000, slice: 250_000 },
  { name: 'chain', inputs: 300_000, slice: 25_000 },
];
const MAIN = join(dirname(fileURLToPath(import.meta.url)), 'main.js');
const HEAP_MIB = 1024;

interface Slice {
  readonly fuzzer: string;
  readonly seed: string;
  readonly inputs: number;
}

interface Sum {
  inputs: number;
  readonly outcomes: Map<string, number>;
  readonly findings: string[];
}

function slicesOf(seed: string, share: number): Slice[] {
  return PLAN.flatMap(({ name, inputs, slice }) => {
    const all = Math.ceil(inputs * share);
    return Array.from({ length: Math.ceil(all / slice) }, (_, i) => ({
      ...{ fuzzer: name, seed: `${seed}/${i}`, inputs: Math.min(slice, all - i * slice) },
    }));
  });
}

/** What one process found. It is not asked to end: the watch inside it sees an input that does not. */
function run({ fuzzer, seed, inputs }: Slice): Promise<SerialReport> {
  const args = [fuzzer, '--inputs', String(inputs), '--seed', seed, '--json'];
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [`--max-old-space-size=${HEAP_MIB}`, MAIN, ...args],
      { maxBuffer: 2 ** 26 },
      (error, stdout, stderr) => {
        const line = stdout.trimEnd().split('\n').at(-1)!;
        if (line.startsWith('{')) return resolve(JSON.parse(line));
        const end = `${error?.signal ?? error?.code ?? 'without a report'}: ${stderr.slice(-2000)}`;
        resolve({ inputs: 0, outcomes: [], findings: [`ended with ${end}`] });
      },
    );
  });
}

async function runAll(slices: readonly Slice[], jobs: number): Promise<Map<string, Sum>> {
  const sums = new Map(PLAN.map(({ name }): [string, Sum] => [name, emptySum()]));
  const waiting = [...slices];
  const work = async (): Promise<void> => {
    for (let slice = waiting.shift(); slice; slice = waiting.shift()) {
      const report = await run(slice);
      const sum = sums.get(slice.fuzzer)!;
      sum.inputs += report.inputs;
      for (const [outcome, count] of report.outcomes)
        sum.outcomes.set(outcome, (sum.outcomes.get(outcome) ?? 0) + count);
      for (const what of report.findings) {
        const finding = `fuzz ${slice.fuzzer} --seed ${slice.seed} --inputs ${slice.inputs}: ${what}`;
        sum.findings.push(finding);
        console.error(`FUZZ_FINDING: ${finding}`);
      }
      console.log(`${slice.fuzzer.padEnd(6)} ${sum.inputs} inputs, ${waiting.length} slices left`);
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  return sums;
}

const emptySum = (): Sum => ({ inputs: 0, outcomes: new Map(), findings: [] });

function markdown(sums: ReadonlyMap<string, Sum>, about: string): string {
  const lines = [...sums].flatMap(([name, { outcomes }]) =>
    [...outcomes].sort((a, b) => b[1] - a[1]).map(([outcome, count]) => [name, outcome, String(count)]),
  );
  const assertions = [...sums].map(([name, { inputs, findings }]) => ({
    claim: `${name}: no crash, no hang, no over-allocation`,
    holds: inputs > 0 && findings.length === 0,
    found: `${inputs} inputs, ${findings.length} findings`,
  }));
  const table = [['fuzzer', 'ended in', 'inputs'], ...lines];
  return markdownOf({ table, assertions }, { id: 'fuzz', about, command: 'npm run fuzz:nightly' });
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      inputs: { type: 'string' },
      jobs: { type: 'string', default: '1' },
      seed: { type: 'string', default: new Date().toISOString() },
      out: { type: 'string' },
    },
  });
  const planned = PLAN.reduce((sum, { inputs }) => sum + inputs, 0);
  const share = Number(values.inputs ?? planned) / planned;
  const jobs = Number(values.jobs);
  if (!(share > 0) || !Number.isInteger(jobs) || jobs < 1) {
    console.error('FUZZ_USAGE: fuzz:nightly [--inputs N] [--jobs N] [--seed TEXT] [--out FILE]');
    return 2;
  }
  const startedMs = Date.now();
  const sums = await runAll(slicesOf(values.seed, share), jobs);
  const minutes = ((Date.now() - startedMs) / 60_000).toFixed(0);
  const day = new Date(startedMs).toISOString().slice(0, 10);
  const text = markdown(
    sums,
    `decoders under hostile bytes, ${day}, seed \`${values.seed}\`, ${minutes} min`,
  );
  console.log(text);
  if (values.out) writeFileSync(values.out, text);
  return [...sums.values()].some(({ findings }) => findings.length > 0) ? 1 : 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`FUZZ_FAILED: ${messageOf(error)}`);
  process.exitCode = 1;
}
