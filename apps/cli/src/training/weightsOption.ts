/** @file Where a process that trains or scores keeps the model's weights. */
import type { WeightsPlace } from '@alice/training/node';
import type { Command } from 'commander';
import { choiceOption } from '../options.js';

export interface WeightsFlags {
  weights: WeightsPlace;
}

/** Names only: reading them must not load what trains. */
const PLACES = ['auto', 'memory', 'disk'] as const satisfies readonly WeightsPlace[];

export function withWeightsOption(command: Command): Command {
  return command.option(
    '--weights <place>',
    `where the model's weights lie: ${PLACES.join(', ')} (auto: on disk where memory is short; then one layer at a time is worked on)`,
    choiceOption('--weights', PLACES),
    'auto',
  );
}
