/** @file The options that decide which token comes next, shared by `generate` and `chat`. */
import { randomBytes } from 'node:crypto';
import type { Command } from 'commander';
import { integerOption } from '../options.js';
import { numberOption } from './numberOption.js';
import { withThreadsOption } from './threadsOption.js';

export interface SamplingFlags {
  readonly maxTokens: number;
  readonly temperature: number;
  readonly topK: number;
  readonly topP: number;
  readonly seed?: string;
  readonly threads: number;
}

export function withSamplingOptions(command: Command, defaults: { maxTokens: number }): Command {
  return withThreadsOption(command)
    .option(
      '--max-tokens <n>',
      'tokens to add at most',
      integerOption('--max-tokens', 1, 1_000_000),
      defaults.maxTokens,
    )
    .option(
      '--temperature <t>',
      '0: always the likeliest; 1: as the model says',
      numberOption('--temperature', 0, 10),
      0.8,
    )
    .option(
      '--top-k <k>',
      'choose among the k likeliest; 0: among all',
      integerOption('--top-k', 0, 65_536),
      40,
    )
    .option(
      '--top-p <p>',
      'choose among the likeliest that sum to p; 1: among all',
      numberOption('--top-p', 0.001, 1),
      0.95,
    )
    .option('--seed <text>', 'the same seed gives the same text (default: another one each time)');
}

export function seedOf({ seed }: SamplingFlags): string {
  return seed ?? randomBytes(4).toString('hex');
}
