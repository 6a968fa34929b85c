/** @file `--threads`: how many processor threads a command computes with. */
import { availableParallelism } from 'node:os';
import type { Command } from 'commander';
import { integerOption } from '../options.js';

const MOST_THREADS = 256;

/** Every one the machine has, unless told otherwise. */
export function withThreadsOption(
  command: Command,
  { about = 'processor threads to use', threads = availableParallelism() } = {},
): Command {
  return command.option('--threads <n>', about, integerOption('--threads', 1, MOST_THREADS), threads);
}
