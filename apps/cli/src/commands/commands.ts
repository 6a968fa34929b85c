/** @file `alice commands`: every command, option and help text as JSON, for programs that document or check them. Not in the help. */
import { Command } from 'commander';
import { type CommandFacts, commandTree } from '../completion/commandTree.js';

export interface CommandWithHelp extends Omit<CommandFacts, 'commands'> {
  /** What `--help` prints. */
  readonly help: string;
  readonly commands: readonly CommandWithHelp[];
}

export function commandsCommand(program: Command): Command {
  return new Command('commands')
    .description('print every command, option and help text as JSON')
    .action(() => {
      process.stdout.write(`${JSON.stringify(withHelp(program, commandTree(program)))}\n`);
    });
}

function withHelp(command: Command, facts: CommandFacts): CommandWithHelp {
  let help = '';
  command.configureOutput({ writeOut: (text) => (help += text), getOutHelpWidth: () => 100 });
  command.outputHelp();
  const commands = facts.commands.map((child, i) => withHelp(command.commands[i]!, child));
  return { ...facts, help, commands };
}
