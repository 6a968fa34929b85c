/** @file `alice train`: trains a model on this machine alone. */
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import pc from 'picocolors';
import { choiceOption, integerOption } from '../options.js';
import { createLifecycle } from '../process/lifecycle.js';
import { withDeviceOption, withPrecisionOption } from '../training/deviceOption.js';
import { numberOption } from '../training/numberOption.js';
import { withThreadsOption } from '../training/threadsOption.js';
import type { TrainCommandFlags } from '../training/trainCommand.js';
import { DEFAULT_DIR } from './common.js';
import { LOCAL_PRESETS } from './presets.js';

export function trainCommand(): Command {
  const command = new Command('train').description(
    'train a model on this machine alone: the baseline a network is compared with',
  );
  return withThreadsOption(withPrecisionOption(withDeviceOption(command)))
    .option(
      '--preset <name>',
      `model: ${LOCAL_PRESETS.join(', ')}`,
      choiceOption('--preset', LOCAL_PRESETS),
      'nano',
    )
    .option(
      '--objective <name>',
      'lm: every next token; sft: the answers of conversations; dpo: preferences between answers',
      choiceOption('--objective', ['lm', 'sft', 'dpo']),
      'lm',
    )
    .option('--from <dir>', 'a checkpoint to begin with instead of random weights; dpo needs one')
    .option(
      '--beta <b>',
      'dpo: how dearly leaving the first weights is paid for',
      numberOption('--beta', 1e-4, 100),
      0.1,
    )
    .option(
      '--data <dir>',
      'what "alice data build" made: text, --kind chat or --kind preference',
      join(DEFAULT_DIR, 'data'),
    )
    .option('--steps <n>', 'optimiser steps in all', integerOption('--steps', 1, 100_000_000), 1000)
    .option('--out <dir>', 'where the run is kept and resumed from', 'alice-run')
    .option(
      '--optimizer <name>',
      'adamw, adafactor or muon; adamw takes most memory',
      choiceOption('--optimizer', ['adamw', 'adafactor', 'muon']),
      'adamw',
    )
    .option('--learning-rate <r>', 'highest rate', numberOption('--learning-rate', 1e-9, 1), 6e-3)
    .option(
      '--warmup <n>',
      'steps of linear warm-up (default: a twentieth)',
      integerOption('--warmup', 0, 1_000_000),
    )
    .option('--weight-decay <d>', 'decoupled decay', numberOption('--weight-decay', 0, 1), 0.01)
    .option('--rows <n>', 'rows of a step; pairs of a step for dpo', integerOption('--rows', 1, 65_536), 8)
    .option(
      '--micro-batch <n>',
      'rows computed at once; fewer need less memory (default: 8, and on the processor no more than 1,024 tokens)',
      integerOption('--micro-batch', 1, 65_536),
    )
    .option('--sequence-length <n>', 'tokens of a row', integerOption('--sequence-length', 2, 65_536), 128)
    .option('--seed <text>', 'of the first weights and the order of the data', 'alice')
    .option('--save-every <n>', 'steps between saves', integerOption('--save-every', 1, 1_000_000), 200)
    .option(
      '--eval-every <n>',
      'steps between held-out losses',
      integerOption('--eval-every', 1, 1_000_000),
      100,
    )
    .option('--json', 'print nothing but the result, as JSON')
    .addHelpText(
      'after',
      `
The learning rate warms up, then falls like half a cosine to a tenth. Ctrl-C saves and ends; the same command goes on.
In the folder: model/ (a checkpoint), loss.csv, loss.svg, state.safetensors.

Examples:
  alice data build && alice train --steps 2000 --out run && alice generate "Call me" --model run
  alice data build talks.jsonl --kind chat --out talks
  alice train --objective sft --from run --data talks --learning-rate 1e-3 --steps 300 --out tuned
  alice data build votes.jsonl --kind preference --out votes
  alice train --objective dpo --from tuned --data votes --learning-rate 1e-4 --steps 100 --out preferred`,
    )
    .action(async (flags: TrainCommandFlags) => {
      const lifecycle = createLifecycle();
      const { runTrainCommand } = await import('../training/trainCommand.js');
      const result = await runTrainCommand(
        {
          ...{ ...flags, data: resolve(flags.data), out: resolve(flags.out) },
          ...(flags.from !== undefined && { from: resolve(flags.from) }),
        },
        lifecycle.signal,
      );
      if (flags.json) process.stdout.write(`${JSON.stringify(result)}\n`);
      else
        process.stdout.write(
          `${result.finished ? pc.green('✓ trained') : pc.yellow('stopped')} after step ${result.step}; checkpoint in ${result.model}\n`,
        );
    });
}
