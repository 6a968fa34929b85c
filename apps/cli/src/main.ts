/**
 * @file The `alice` command. Reads arguments and environment, prints, sets the exit code; nothing else does. Exit codes:
 * 0 done, 1 refused or failed (a code and the next step are printed), 2 the command line itself is wrong.
 */
import { errorCodeOf, messageOf } from '@alice/protocol';
import { Command, CommanderError } from 'commander';
import pc from 'picocolors';
import { chatCommand } from './commands/chat.js';
import { commandsCommand } from './commands/commands.js';
import { completionCommand } from './commands/completion.js';
import { dataCommand } from './commands/data.js';
import { devicesCommand } from './commands/devices.js';
import { doctorCommand } from './commands/doctor.js';
import { exportCommand } from './commands/export.js';
import { generateCommand } from './commands/generate.js';
import { labCommand } from './commands/lab.js';
import { minerCommand } from './commands/miner.js';
import { nodeCommand } from './commands/node.js';
import { scorerCommand } from './commands/scorer.js';
import { serveCommand } from './commands/serve.js';
import { serverCommand } from './commands/server.js';
import { testnetCommand } from './commands/testnet.js';
import { trainCommand } from './commands/train.js';
import { upCommand } from './commands/up.js';
import { verifyScoreCommand } from './commands/verify.js';
import { verifyEpochCommand, verifyRoundCommand } from './commands/verifyRound.js';
import { walletCommand } from './commands/wallet.js';
import { systemError } from './systemError.js';

function createProgram(): Command {
  const program = new Command('alice')
    .description('Train a language model together with strangers, and be paid for verified work.')
    .version('0.1.0')
    .enablePositionalOptions() // a command with commands of its own can have an option of the same name
    .configureHelp({ sortSubcommands: false })
    .addHelpText(
      'after',
      `
Examples:
  alice up                         a whole network; open the page it prints
  alice up --data ./my-texts       the same, training on your own text files
  alice miner --server URL         one more miner for a running network
  alice wallet list                who earned what
  alice doctor                     what is wrong, and how to mend it`,
    );
  const groups: Readonly<Record<string, readonly Command[]>> = {
    'Start here:': [upCommand(), minerCommand(), walletCommand(), doctorCommand()],
    'The model:': [generateCommand(), chatCommand(), serveCommand(), exportCommand()],
    'Check what others say:': [verifyScoreCommand(), verifyRoundCommand(), verifyEpochCommand()],
    'Run a part of a network:': [
      ...[serverCommand(), scorerCommand(), nodeCommand(), testnetCommand(), dataCommand()],
    ],
    'Experiments and tools:': [
      ...[trainCommand(), labCommand(), devicesCommand(), completionCommand(program)],
    ],
  };
  for (const [group, commands] of Object.entries(groups))
    for (const command of commands) program.addCommand(command.helpGroup(group));
  program.addCommand(commandsCommand(program), { hidden: true });
  return program;
}

/** Whoever read the output has gone (`alice up | head`, a closed terminal): end as on Ctrl-C, in order and without a word. */
function stopWithReader(): void {
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
      if (hasStopped) return;
      hasStopped = true;
      process.kill(process.pid, 'SIGTERM');
    });
}
let hasStopped = false;

async function main(): Promise<void> {
  stopWithReader();
  const program = createProgram();
  const strict = (command: Command): void => {
    command.exitOverride().showHelpAfterError('(add --help for what this command takes)');
    command.commands.forEach(strict);
  };
  strict(program);
  try {
    await program.parseAsync(process.argv);
  } catch (error) {
    process.exitCode = report(error);
  } finally {
    if (process.connected) process.disconnect(); // the channel to a supervisor would keep this process alive
  }
}

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof Error && error.name === 'AbortError') return 130; // interrupted by the person
  const said = systemError(error);
  const code = said?.code ?? errorCodeOf(error) ?? 'UNEXPECTED';
  const message = said?.message ?? messageOf(error);
  if (process.argv.includes('--json'))
    process.stdout.write(`${JSON.stringify({ error: { code, message } })}\n`);
  process.stderr.write(`${pc.red(code)}: ${message}\n`);
  if (code === 'UNEXPECTED' && error instanceof Error) process.stderr.write(`${pc.dim(error.stack ?? '')}\n`);
  return code === 'OPTION_INVALID' ? 2 : 1;
}

await main();
