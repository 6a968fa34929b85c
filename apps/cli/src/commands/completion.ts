/** @file `alice completion`: a script that teaches a shell the commands and options. */
import { Argument, Command } from 'commander';
import { commandTree } from '../completion/commandTree.js';
import { completionScript, SHELLS, type Shell } from '../completion/completionScript.js';

/** `program`: whose commands are completed. */
export function completionCommand(program: Command): Command {
  return new Command('completion')
    .description('print a script that completes commands and options in bash, zsh or fish')
    .addArgument(new Argument('<shell>', 'your shell').choices(SHELLS))
    .addHelpText(
      'after',
      `
Examples:
  echo 'source <(alice completion bash)' >> ~/.bashrc
  alice completion zsh > "\${fpath[1]}/_alice"
  alice completion fish > ~/.config/fish/completions/alice.fish`,
    )
    .action((shell: Shell) => {
      process.stdout.write(completionScript(shell, commandTree(program)));
    });
}
