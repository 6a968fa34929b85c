/**
 * @file `npm run fuzz -- NAME [--minutes N] [--inputs N] [--seed TEXT] [--json]`: tries inputs until the time or
 * their number is over. Prints what they ended in, with `--json` as one line. Exit code 1 when one of them did what must never happen.
 */
import { messageOf } from '@alice/protocol';
import { chainFuzzer } from './chain.js';
import type { Fuzzer, SerialReport } from './fuzzer.js';
import { wireFuzzer } from './wire.js';

const FUZZERS: readonly Fuzzer[] = [wireFuzzer, chainFuzzer];
const DEFAULT_MINUTES = 1;

function option(args: readonly string[], name: string): string | undefined {
  const at = args.indexOf(`--${name}`);
  return at < 0 ? undefined : args[at + 1];
}

async function main(args: readonly string[]): Promise<number> {
  const fuzzer = FUZZERS.find((f) => f.name === args[0]);
  const inputs = Number(option(args, 'inputs') ?? Number.POSITIVE_INFINITY);
  const minutes = Number(
    option(args, 'minutes') ?? (Number.isFinite(inputs) ? Number.POSITIVE_INFINITY : DEFAULT_MINUTES),
  );
  if (!fuzzer || !(minutes > 0) || !(inputs > 0)) {
    const known = FUZZERS.map((f) => `  ${f.name.padEnd(8)} ${f.about}`).join('\n');
    console.error(
      `FUZZ_USAGE: fuzz NAME [--minutes N] [--inputs N] [--seed TEXT] [--json]; names:\n${known}`,
    );
    return 2;
  }
  const seed = option(args, 'seed') ?? new Date().toISOString();
  const startedMs = Date.now();
  const report = await fuzzer.run({ seed, untilMs: startedMs + 60_000 * minutes, inputs });
  if (args.includes('--json')) {
    const serial: SerialReport = { ...report, outcomes: [...report.outcomes] };
    console.log(JSON.stringify(serial));
    return report.findings.length === 0 ? 0 : 1;
  }
  const seconds = (Date.now() - startedMs) / 1000;
  console.log(
    `${fuzzer.name}: ${report.inputs} inputs in ${seconds.toFixed(0)} s, seed ${JSON.stringify(seed)}`,
  );
  for (const [outcome, count] of [...report.outcomes].sort((a, b) => b[1] - a[1]))
    console.log(`  ${outcome.padEnd(24)} ${count}`);
  for (const finding of report.findings) console.error(`FUZZ_FINDING: ${finding}`);
  return report.findings.length === 0 ? 0 : 1;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(`FUZZ_FAILED: ${messageOf(error)}`);
  process.exitCode = 1;
}
