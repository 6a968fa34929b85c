/** @file `alice lab`: hands over to the laboratory as a child process; the command itself knows nothing of experiments. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { CliError } from '../errors.js';

interface Flags {
  readonly quick?: boolean;
  readonly fresh?: boolean;
  readonly read?: boolean;
  readonly only?: string;
  readonly out?: string;
}

export function labCommand(): Command {
  return new Command('lab')
    .description('simulate the network, attack it, and measure what it learns and pays')
    .argument('[args...]', 'list | run ID|all | convergence | attacks')
    .option('--quick', 'small and short, under a minute an experiment')
    .option('--fresh', 'run again what is already in the results')
    .option('--read', 'run nothing: table and plots of what the results hold')
    .option('--only <text,…>', 'only arms whose id, with a slash at its end, contains one of these')
    .option('--out <dir>', 'where results go (lab/results of the clone)')
    .addHelpText(
      'after',
      '\nAn interrupted experiment goes on where it was. Exit code 1 when an assertion fails.',
    )
    .action(async (args: string[], flags: Flags) => {
      const passed = [
        ...args,
        ...(flags.quick ? ['--quick'] : []),
        ...(flags.fresh ? ['--fresh'] : []),
        ...(flags.read ? ['--read'] : []),
        ...(flags.only ? ['--only', flags.only] : []),
        ...(flags.out ? ['--out', flags.out] : []),
      ];
      process.exitCode = await runLab(passed);
    });
}

/** The laboratory's own exit code. */
function runLab(args: readonly string[]): Promise<number> {
  const here = dirname(fileURLToPath(import.meta.url));
  const main = join(here, '..', '..', '..', '..', 'lab', 'dist', 'main.js');
  if (!existsSync(main))
    throw new CliError(
      { code: 'CHILD_FAILED', name: 'lab' },
      'the laboratory is not part of this installation: run it from a clone of the repository after `npm run build`',
    );
  const child = spawn(process.execPath, ['--enable-source-maps', main, ...args], { stdio: 'inherit' });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 1)));
  });
}
