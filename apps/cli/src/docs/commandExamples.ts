/** @file Commands in the documents, checked against the program: each names a command and options that exist. */
import type { CommandWithHelp } from '../commands/commands.js';

/** A command of a document that the program does not have, and why. */
export interface BadExample {
  readonly command: string;
  readonly reason: string;
}

/** Everything in code that runs `alice`: `alice …`, `npx alice …`, `npm run alice -- …`. */
export function aliceCommands(markdown: string): string[] {
  const code = [
    ...[...markdown.matchAll(/```[^\n]*\n([\s\S]*?)```/g)].flatMap(([, block]) =>
      block!.replace(/\s*\\\n\s*/g, ' ').split('\n'),
    ),
    ...[...markdown.matchAll(/(?<!`)`([^`\n]+)`(?!`)/g)].map(([, text]) => text!),
  ];
  return code
    .flatMap((line) => line.replace(/\s#.*$/, '').split(/\s(?:&&|\|\||[|>;&]).?(?:\s|$)/))
    .flatMap((part) => {
      const [, words] =
        /^\s*(?:\$ )?(?:[A-Z_]+=\S+ )*(?:npx |npm run (?:-s )?)?alice(?: --)? (.*)$/.exec(part) ?? [];
      return words === undefined || /^(…|\.\.\.)/.test(words) ? [] : [words.replace(/\s{2,}.*$/, '').trim()];
    });
}

/** Throws nothing: what is wrong is returned. */
export function checkExample(example: string, program: CommandWithHelp): BadExample | undefined {
  const words = example.split(/\s+/).filter((word) => word !== '' && word !== '…' && word !== '...');
  let command = program;
  let rest = words;
  const known = new Set(['--version', ...namesOf(program)]);
  for (;;) {
    const child = command.commands.find(({ name }) => name === rest[0]);
    if (!child) break;
    [command, rest] = [child, rest.slice(1)];
    for (const name of namesOf(child)) known.add(name);
  }
  if (command === program && rest.length > 0 && !rest[0]!.startsWith('-'))
    return { command: example, reason: `there is no command "${rest[0]}"` };
  const wrong = rest.find((word) => /^--?[a-z]/.test(word) && !known.has(word.replace(/[=,].*$/, '')));
  return wrong === undefined
    ? undefined
    : { command: example, reason: `${command.path} has no option ${wrong}` };
}

const namesOf = ({ options }: CommandWithHelp): string[] =>
  options.flatMap(({ long, short }) => (short === undefined ? [long] : [long, short]));
