/**
 * @file What is done with an example: run, left to CI's own step of the same name, or not run for a reason that
 * `docs/examples.md` gives. That table is read here, so there is no second list.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sourcePages } from '../pages.js';
import { shellExamples } from './shellExamples.js';

export type Treatment =
  | { readonly kind: 'run' }
  /** CI runs these tests, or this step, anyway; that they exist is all that is left to check. */
  | { readonly kind: 'tests'; readonly files: readonly string[] }
  | { readonly kind: 'not run'; readonly reason: string };

export interface PlacedExample {
  /** Document it is first found in. */
  readonly source: string;
  readonly block: number;
  readonly command: string;
  readonly treatment: Treatment;
}

const TABLE = 'docs/examples.md';

export interface ExampleList {
  readonly examples: readonly PlacedExample[];
  /** Rows of the table that no document has. */
  readonly stale: readonly string[];
}

/** All examples of all documents; one that stands in several places is listed once for each. */
export function listExamples(root: string): ExampleList {
  const reasons = readReasons(readFileSync(join(root, TABLE), 'utf8'));
  const tests = testFiles(root);
  const examples = sourcePages(root)
    .filter(({ source }) => source !== 'CHANGELOG.md' && source !== TABLE)
    .flatMap(({ source, markdown }) =>
      shellExamples(markdown).map(({ command, block }) => ({
        ...{ source, block, command },
        treatment: treatmentOf(command, reasons, tests),
      })),
    );
  const used = new Set(examples.map(({ command }) => command));
  return { examples, stale: [...reasons.keys()].filter((command) => !used.has(command)) };
}

/** Rows `| `command`, `command` | reason |`. */
export function readReasons(markdown: string): Map<string, string> {
  const reasons = new Map<string, string>();
  for (const line of markdown.split('\n')) {
    const [, cell, reason] = /^\| (.*`) \| (.+) \|$/.exec(line) ?? [];
    if (cell === undefined) continue;
    for (const [, command] of cell.matchAll(/`([^`]+)`/g))
      reasons.set(command!.replaceAll('\\|', '|'), reason!);
  }
  return reasons;
}

function treatmentOf(
  command: string,
  reasons: ReadonlyMap<string, string>,
  tests: readonly string[],
): Treatment {
  const reason = reasons.get(command);
  if (reason !== undefined) return { kind: 'not run', reason };
  const [, step] = /^npm run (?:-s )?(check|layers|types|build)$/.exec(command) ?? [];
  if (step !== undefined) return { kind: 'tests', files: [step] };
  const [, kind, words] = /^npm (test|run (?:-s )?e2e)(?: -- (.*))?$/.exec(command) ?? [];
  if (kind !== undefined) {
    const ending = kind === 'test' ? '.test.ts' : '.e2e.ts';
    const wanted = (words ?? '').split(' ').filter((word) => word !== '');
    const files = tests.filter(
      (file) => file.endsWith(ending) && wanted.every((word) => file.includes(word)),
    );
    return { kind: 'tests', files };
  }
  const [, paths] = /^node --test (.*)$/.exec(command) ?? [];
  if (paths === undefined) return { kind: 'run' };
  const named = paths.split(' ').map((path) => path.replace('/dist/', '/src/').replace(/\.js$/, '.ts'));
  return { kind: 'tests', files: named.every((path) => tests.includes(path)) ? named : [] };
}

function testFiles(root: string): string[] {
  const folders = [...readdirSync(join(root, 'packages')).map((name) => `packages/${name}`)];
  folders.push(...readdirSync(join(root, 'apps')).map((name) => `apps/${name}`), 'lab');
  return folders.flatMap((folder) => {
    const src = join(root, folder, 'src');
    if (!existsSync(src)) return [];
    return readdirSync(src, { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.(test|e2e)\.ts$/.test(file))
      .map((file) => `${folder}/src/${file.replaceAll('\\', '/')}`);
  });
}
