/** @file The commands and options of the program as plain data, for what is generated from them: shell completion, documents. */
import type { Command } from 'commander';

export interface OptionFacts {
  /** With its dashes: `--port`. */
  readonly long: string;
  readonly short: string | undefined;
  readonly takesValue: boolean;
  readonly description: string;
}

export interface CommandFacts {
  /** From the program's name on: `alice miner status`. */
  readonly path: string;
  readonly name: string;
  readonly description: string;
  readonly options: readonly OptionFacts[];
  readonly commands: readonly CommandFacts[];
}

export function commandTree(command: Command, parents = ''): CommandFacts {
  const path = `${parents}${command.name()}`;
  const help: OptionFacts = {
    long: '--help',
    short: '-h',
    takesValue: false,
    description: 'say how it is used',
  };
  return {
    ...{ path, name: command.name(), description: command.description() },
    options: [
      ...command.options.flatMap(({ long, short, required, optional, description, hidden }) =>
        long && !hidden
          ? [{ long, short: short ?? undefined, takesValue: required || optional, description }]
          : [],
      ),
      help,
    ],
    commands: command.commands.map((child) => commandTree(child, `${path} `)),
  };
}

/** The command and all below it, parents first. */
export function allCommands(root: CommandFacts): CommandFacts[] {
  return [root, ...root.commands.flatMap(allCommands)];
}
