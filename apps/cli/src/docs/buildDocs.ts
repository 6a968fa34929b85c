/** @file `npm run docs`: builds the documentation's site, and fails when a link leads nowhere or an example names what is not there. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describeRuntime } from '@alice/node';
import { initCrypto } from '@alice/protocol';
import { createRuntime } from '@alice/runtime';
import type { CommandWithHelp } from '../commands/commands.js';
import { type BuiltSite, buildSite } from './buildSite.js';
import { aliceCommands, checkExample } from './commandExamples.js';
import { sourcePages } from './pages.js';

export const ROOT = fileURLToPath(new URL('../../../..', import.meta.url));

/** The program's own account of its commands. */
export function readProgram(): CommandWithHelp {
  const main = fileURLToPath(new URL('../main.js', import.meta.url));
  return JSON.parse(
    execFileSync(process.execPath, [main, 'commands'], { encoding: 'utf8' }),
  ) as CommandWithHelp;
}

/** The site, and everything that is wrong with the documents, one line each. Needs `initCrypto()`. */
export function buildDocs(outDir: string): { site: BuiltSite; problems: string[] } {
  const program = readProgram();
  const runtime = describeRuntime(createRuntime().metadata(15));
  const site = buildSite({ root: ROOT, outDir, program, runtime });
  const examples = sourcePages(ROOT).flatMap(({ source, markdown }) =>
    aliceCommands(markdown).flatMap((example) => {
      const bad = checkExample(example, program);
      return bad ? [`${source}: "alice ${bad.command}": ${bad.reason}`] : [];
    }),
  );
  return { site, problems: [...site.brokenLinks.map((link) => `link leads nowhere: ${link}`), ...examples] };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const outDir = join(ROOT, 'docs', 'dist');
  await initCrypto();
  const { site, problems } = buildDocs(outDir);
  for (const problem of problems) process.stderr.write(`${problem}\n`);
  process.stdout.write(`${site.pages.length} pages: ${join(outDir, 'index.html')}\n`);
  if (problems.length > 0) process.exitCode = 1;
}
