/** @file `alice doctor`: finds what is wrong on this machine and says how to mend it. */
import { resolve } from 'node:path';
import { Command } from 'commander';
import pc from 'picocolors';
import type { Finding } from '../doctor/checks.js';
import { isDrawable } from '../terminal/LiveLines.js';
import { DEFAULT_DIR } from './common.js';

const MARK: Readonly<Record<Finding['state'], string>> = {
  ok: pc.green('✓'),
  warning: pc.yellow('!'),
  failure: pc.red('✗'),
};

/** Back to the beginning of the line, and the line empty. */
const CLEARED = '\r\x1b[K';

const lineOf = ({ name, state, found, remedy }: Finding): string =>
  `${MARK[state]} ${name.padEnd(9)} ${found}${remedy ? `\n            ${pc.bold('→')} ${remedy}` : ''}\n`;

export function doctorCommand(): Command {
  return new Command('doctor')
    .description('check this machine and its network, and say how to mend what is wrong')
    .option('--dir <dir>', 'the network to look at', DEFAULT_DIR)
    .option('--json', 'answer as JSON')
    .addHelpText('after', '\nExit code 1 when something is broken, 0 otherwise (warnings included).')
    .action(async (flags: { dir: string; json?: boolean }) => {
      const { runChecks } = await import('../doctor/checks.js');
      const isLive = !flags.json && isDrawable(process.stdout);
      const findings: Finding[] = [];
      const looking = (name: string): void => {
        if (isLive) process.stdout.write(`${pc.dim('…')} ${name}`);
      };
      for await (const finding of runChecks(resolve(flags.dir), looking)) {
        findings.push(finding);
        if (flags.json) continue;
        if (isLive) process.stdout.write(CLEARED);
        process.stdout.write(lineOf(finding));
      }
      if (flags.json) process.stdout.write(`${JSON.stringify(findings)}\n`);
      if (findings.some(({ state }) => state === 'failure')) process.exitCode = 1;
    });
}
