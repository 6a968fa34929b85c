/** @file The options that say where a model comes from, shared by `export`, `generate` and `chat`. */
import { type Command, Option } from 'commander';
import { DEFAULT_DIR } from '../commands/common.js';
import { urlOption } from '../options.js';

export interface ModelFlags {
  readonly model?: string;
  readonly server?: string;
  readonly dir: string;
}

export function withModelOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--model <dir>',
        'a checkpoint of "alice export" or "alice train": a folder, or a .gguf file',
      ).conflicts('server'),
    )
    .option('--server <url>', 'a running parameter server: its latest version', urlOption('--server'))
    .option('--dir <dir>', 'the network of this folder, running or stopped: its latest version', DEFAULT_DIR);
}
