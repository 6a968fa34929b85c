/**
 * @file `npm run bench -- weights`: the execution time of every call of the chain, next to the weights that are
 * committed. With `--write` the measured ones replace `packages/runtime/src/weights/weights.ts`. Runs the runtime's own
 * program in a child, so that other benches' heaps do not count.
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Bench, Figure } from './figure.js';

const RUNTIME = fileURLToPath(new URL('../../../packages/runtime/', import.meta.url));

interface Row {
  readonly name: string;
  readonly base: number;
  readonly item: number;
  readonly committedBase: number;
  readonly committedItem: number;
}

export const weightsBench: Bench = {
  name: 'weights',
  about: 'execution time of every call of the chain; --write makes them the committed weights',
  run: async (say) => {
    const target = process.argv.includes('--write') ? [join(RUNTIME, 'src/weights/weights.ts')] : [];
    const program = join(RUNTIME, 'dist/weights/writeWeights.js');
    const rows = JSON.parse(
      execFileSync(process.execPath, [program, ...target], { encoding: 'utf8' }),
    ) as Row[];
    if (target.length > 0)
      say('weights.ts is written: raise SPEC_VERSION and run the tests of packages/runtime');
    return rows.flatMap(figuresOf);
  },
};

function figuresOf({ name, base, item, committedBase, committedItem }: Row): Figure[] {
  const figure = (suffix: string, value: number, baseline: number): Figure => ({
    name: `${name}${suffix}`,
    value: value / 1e6,
    unit: 'µs',
    baseline: baseline / 1e6,
    note: 'baseline: what is committed',
  });
  const call = figure('', base, committedBase);
  return committedItem > 0 ? [call, figure(' per item', item, committedItem)] : [call];
}
