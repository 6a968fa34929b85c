/** @file The rounds, on whichever node leads them: a coordinator for each term of this node. */
import type { ServerContext } from '../context.js';
import type { Database } from '../database/Database.js';
import { ensureFirstVersion, reportRecovery } from '../recovery.js';
import { type Coordinator, createCoordinator } from '../rounds/Coordinator.js';
import { startRegion } from '../upstream/startRegion.js';
import { type Leadership, nodeOf, seekLeadership } from './Leadership.js';

export interface Aggregator extends Coordinator {
  readonly isLeading: boolean;
  seek(): Promise<void>;
}

/** `orphans`: temporary files that were found when the blobs were opened. */
export function createAggregator(context: ServerContext, orphans: number): Aggregator {
  let current: Coordinator | undefined;
  let isStarted = false;
  let leadership: Leadership | undefined;
  const lead = async (db: Database): Promise<() => Promise<void>> => {
    const leading = { ...context, db };
    const advance = leading.options.upstream ? await startRegion(leading) : undefined;
    if (!advance) await ensureFirstVersion(leading);
    await reportRecovery(leading, orphans);
    const coordinator = createCoordinator(leading, advance);
    current = coordinator;
    if (isStarted) coordinator.start();
    return async () => {
      current = undefined;
      await coordinator.stop();
    };
  };
  return {
    get isLeading() {
      return current !== undefined;
    },
    async seek() {
      if (context.roles.has('aggregator'))
        leadership = await seekLeadership({ ...nodeOf(context), role: 'aggregator', lead });
    },
    step: async () => current?.step(),
    start() {
      isStarted = true;
      current?.start();
    },
    stop: async () => leadership?.close(),
  };
}
