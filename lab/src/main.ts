/**
 * @file `alice lab list | run ID | convergence | attacks [--quick] [--fresh] [--read] [--only TEXT,…] [--out DIR]`: runs experiments, prints
 * progress, writes ID.csv, ID.md and ID.svg; with `--read` only from what the CSV holds already. Exit code 0 when all assertions hold, 1 when one fails, 2 for a wrong command line.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { messageOf } from '@alice/protocol';
import { experiments } from './experiments/all.js';
import type { Experiment } from './experiments/Experiment.js';
import { runArms } from './experiments/runArms.js';
import { armLine } from './report/armLine.js';
import { parseCsv } from './report/csv.js';
import { markdownOf } from './report/markdown.js';
import { svgOf } from './report/svg.js';

const LAB = join(dirname(fileURLToPath(import.meta.url)), '..');

interface Flags {
  readonly quick?: boolean | undefined;
  readonly fresh?: boolean | undefined;
  /** Nothing is run: table and plots of the CSV as it is, also while another process adds to it. */
  readonly read?: boolean | undefined;
  /** Only arms whose id contains one of these, separated by commas; the others stay as they are in the CSV. */
  readonly only?: string | undefined;
  readonly out?: string | undefined;
}

async function main(args: readonly string[]): Promise<number> {
  let parsed: { values: Flags; positionals: string[] };
  try {
    parsed = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        quick: { type: 'boolean' },
        fresh: { type: 'boolean' },
        read: { type: 'boolean' },
        only: { type: 'string' },
        out: { type: 'string' },
      },
    });
  } catch (error) {
    return usage(messageOf(error));
  }
  const [verb, ...rest] = parsed.positionals;
  if (verb === undefined || verb === 'list') {
    for (const { id, about } of experiments) console.log(`${id.padEnd(20)} ${about}`);
    return 0;
  }
  const id = verb === 'run' ? rest[0] : verb;
  const picked = id === 'all' ? experiments : experiments.filter((experiment) => experiment.id === id);
  if (picked.length === 0) return usage(`there is no experiment ${id ?? 'without a name'}`);
  let failed = 0;
  for (const experiment of picked) failed += await runOne(experiment, parsed.values);
  return failed > 0 ? 1 : 0;
}

/** Returns how many assertions failed. */
async function runOne(experiment: Experiment, flags: Flags): Promise<number> {
  const { quick = false, fresh = false, read = false, only, out } = flags;
  const dir = out ?? join(LAB, 'results');
  mkdirSync(dir, { recursive: true });
  const name = `${experiment.id}${quick ? '-quick' : ''}`;
  const file = (ending: string): string => join(dir, `${name}.${ending}`);
  console.log(`${experiment.id}: ${experiment.about}`);
  const live = armLine(process.stderr);
  const say = (line: string): void => {
    live.clear();
    console.log(`  ${line}`);
  };
  const finding = experiment.study
    ? await experiment.study(quick, say)
    : experiment.read(
        read
          ? parseCsv(readFileSync(file('csv'), 'utf8'))
          : await runArms(experiment.arms(quick), {
              ...{ file: file('csv'), fresh, only: only?.split(','), say, onRound: live.show },
            }),
        quick,
      );
  const command = `alice lab run ${experiment.id}${quick ? ' --quick' : ''}`;
  const markdown = markdownOf(finding, { ...experiment, command });
  writeFileSync(file('md'), markdown);
  if (finding.plot) writeFileSync(file('svg'), svgOf(finding.plot));
  for (const [plot, drawn] of Object.entries(finding.plots ?? {}))
    writeFileSync(join(dir, `${name}-${plot}.svg`), svgOf(drawn));
  console.log(`\n${markdown}`);
  return finding.assertions.filter(({ holds }) => !holds).length;
}

function usage(problem: string): number {
  console.error(
    `LAB_USAGE: ${problem}. Use: alice lab list | run ID|all | convergence | attacks [--quick] [--fresh] [--read] [--only TEXT,…] [--out DIR]`,
  );
  return 2;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(`LAB_FAILED: ${messageOf(error)}`);
  process.exitCode = 1;
}
