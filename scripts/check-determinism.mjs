/**
 * @file Fails where the runtime could give two answers on two machines: clocks, chance, floating point, locale,
 * environment, I/O and waiting are forbidden in `packages/runtime/src`. Tests and the program that times calls are not
 * part of the state machine. A line-based check of the text without comments and strings: it errs on the strict side.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const source = join(root, 'packages', 'runtime', 'src');
const OUTSIDE = /\.test\.ts$|^testing\.ts$|testValidators\.ts$|^weights\/writeWeights\.ts$/;

/** [pattern, what to use instead]. */
export const RULES = [
  [/\bDate\b/, 'time is Timestamp.now'],
  [/\bperformance\b|\bhrtime\b/, 'time is Timestamp.now'],
  [/\bMath\.(?!(?:max|min|floor|clz32)\b)/, 'only what is exact on integers: or use bigint'],
  [/\bcrypto\.|\brandom\b/, 'there is no chance in the state machine'],
  [
    /\b\d+\.\d|\bparseFloat\b|\btoFixed\b|\bNumber\.EPSILON\b|\bFloat(?:32|64)Array\b/,
    'floating point differs: use integers',
  ],
  [/\bIntl\b|\btoLocale\w*|\blocaleCompare\b/, 'locales differ: compare bytes'],
  [/\bprocess\b|\bglobalThis\b|\brequire\(|\bimport\(/, 'the machine is not an input'],
  [/from 'node:/, 'no I/O in the state machine'],
  [/\basync\b|\bawait\b|\bPromise\b|\bsetTimeout\b|\bqueueMicrotask\b/, 'blocks are executed synchronously'],
  [/\bWeakRef\b|\bFinalizationRegistry\b/, 'garbage collection is not deterministic'],
];

/** The forbidden things in one file's text, as "line: what: use instead". */
export function findProblems(text) {
  const code = text
    .replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, ' '))
    .replace(/\/\/.*$/gm, '')
    .replace(/'(?!node:)(?:[^'\\\n]|\\.)*'|`(?:[^`\\$]|\\.)*`/g, "''");
  return code
    .split('\n')
    .flatMap((line, index) =>
      RULES.filter(([pattern]) => pattern.test(line)).map(
        ([, advice]) => `${index + 1}: ${line.trim()} (${advice})`,
      ),
    );
}

const problems = [];
let files = 0;
for (const entry of readdirSync(source, { recursive: true, withFileTypes: true })) {
  const file = join(entry.parentPath ?? entry.path, entry.name);
  if (!entry.isFile() || !entry.name.endsWith('.ts') || OUTSIDE.test(relative(source, file))) continue;
  files++;
  for (const problem of findProblems(readFileSync(file, 'utf8')))
    problems.push(`${relative(root, file)}:${problem}`);
}
if (problems.length > 0) {
  console.error(problems.join('\n'));
  process.exitCode = 1;
} else console.log(`determinism: ${files} files of the runtime, nothing forbidden`);
