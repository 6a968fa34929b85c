/** @file Settlement, on whichever node leads it; what it sees of the chain is stored for the nodes that do not look. */
import type { ServerContext } from '../context.js';
import type { Database } from '../database/Database.js';
import { saveHealth } from '../state/sharedFacts.js';
import { type Leadership, nodeOf, seekLeadership } from './Leadership.js';

export interface Settler {
  seek(): Promise<void>;
  /** Does nothing on a node that does not settle. */
  run(work: (context: ServerContext) => Promise<void>): Promise<void>;
  stop(): Promise<void>;
}

export function createSettler(context: ServerContext): Settler {
  let leading: ServerContext | undefined;
  let leadership: Leadership | undefined;
  let running: Promise<unknown> = Promise.resolve();
  const lead = async (db: Database): Promise<() => Promise<void>> => {
    leading = { ...context, db };
    return async () => {
      leading = undefined;
      await running;
    };
  };
  return {
    async seek() {
      if (context.roles.has('epochs'))
        leadership = await seekLeadership({ ...nodeOf(context), role: 'epochs', lead });
    },
    async run(work) {
      const mine = leading;
      if (!mine) return;
      const done = work(mine).then(async () => {
        if (mine.db.shared) await saveHealth(mine.db, mine.health, mine.now());
      });
      running = done.catch(() => undefined);
      await done;
    },
    stop: async () => leadership?.close(),
  };
}
