/**
 * @file Every shell command that a document shows: the lines of its `sh` blocks, and code in running text that is a whole
 * command. A bare name (`alice serve`) speaks of a command and shows none.
 */

export interface ShellExample {
  /** As it is written, without comment, its lines joined. */
  readonly command: string;
  /** Number of the block it stands in; examples of running text each have their own. */
  readonly block: number;
}

const PROGRAMS = /^(?:[A-Z_]+=\S+ )*(?:npm|npx|node|alice|curl|docker|git|go|mkdir|tar|export) \S/;
/** Of running text: names and sentences about commands are left out. */
const WHOLE = /^(?:[A-Z_]+=\S+ )*(?:npm (?:run|test|start)\b|npx \S|node --test \S|curl \S|docker \S)/;
const ALICE_WITH_ARGUMENTS = /^(?:[A-Z_]+=\S+ )*alice (?:[a-z-]+ ){1,2}(?:-|[A-Z"./\d])/;

export function shellExamples(markdown: string): ShellExample[] {
  const lines = markdown.split('\n');
  const examples: ShellExample[] = [];
  let block = 0;
  for (let i = 0; i < lines.length; i++) {
    const fence = /^\s*```(\S*)/.exec(lines[i]!);
    if (!fence) {
      for (const command of inlineCommands(lines[i]!)) examples.push({ command, block: ++block });
      continue;
    }
    const start = i + 1;
    do i++;
    while (i < lines.length && !/^\s*```/.test(lines[i]!));
    if (fence[1] !== 'sh') continue;
    block++;
    for (const command of commandsOf(lines.slice(start, i))) examples.push({ command, block });
  }
  return examples;
}

/** Blocks without a language that begin like a command: they would never be run. */
export function unmarkedBlocks(markdown: string): string[] {
  return [...markdown.matchAll(/^```([^\n]*)\n([\s\S]*?)^```/gm)]
    .filter(([, language, text]) => language === '' && PROGRAMS.test(text!.trimStart()))
    .map(([, , text]) => text!.split('\n')[0]!);
}

function inlineCommands(line: string): string[] {
  return [...line.matchAll(/(?<!`)`([^`]+)`(?!`)/g)]
    .map(([, text]) => text!.trim())
    .filter((text) => WHOLE.test(text) || ALICE_WITH_ARGUMENTS.test(text));
}

/** Lines that end in a backslash, or leave a quote open, go on in the next. */
function commandsOf(lines: readonly string[]): string[] {
  const commands: string[] = [];
  let open = '';
  for (const line of lines) {
    const joined = open + line.replace(/(^|\s)#.*$/, '').trim();
    if (joined.endsWith('\\')) open = `${joined.slice(0, -1).trim()} `;
    else {
      open = '';
      if (joined !== '') commands.push(joined.replace(/ {2,}/g, ' '));
    }
  }
  return commands;
}
