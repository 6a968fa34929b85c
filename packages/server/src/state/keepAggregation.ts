/**
 * @file The aggregation rule of a network stays what it was when the network began, whatever a newer program takes by
 * default: versions are not made by one rule on Monday and another on Tuesday without anybody having asked. Stored with the
 * database; who wants another rule names it once.
 */
import type { Logger } from '@alice/protocol';
import type { AggregationRule } from '@alice/training';
import type { Database } from '../database/Database.js';
import type { ServerOptions } from '../options.js';
import { readMeta, writeMeta } from './meta.js';
import { latestVersion } from './versions.js';

const KEY = 'aggregation';
/** What the default was when rules were not stored. */
const BEFORE: Partial<Record<AggregationRule, AggregationRule>> = { 'mean-by-work': 'mean' };

/** The options with the rule that this network uses. */
export async function keepAggregation(
  db: Database,
  options: ServerOptions,
  log: Logger,
): Promise<ServerOptions> {
  const { training, changeAggregation } = options;
  const stored = (await readMeta(db)).get(KEY) as AggregationRule | undefined;
  const isOld = stored === undefined && (await latestVersion(db)) !== undefined;
  const before = isOld ? (BEFORE[training.aggregation] ?? training.aggregation) : stored;
  const aggregation = changeAggregation ?? before ?? training.aggregation;
  if (stored !== aggregation) await writeMeta(db, { [KEY]: aggregation });
  if (before !== undefined && aggregation !== before)
    log.info('The aggregation rule of this network changes', { from: before, to: aggregation });
  else if (aggregation !== training.aggregation)
    log.info('This network keeps the aggregation rule it began with', { aggregation });
  return { ...options, training: { ...training, aggregation } };
}
