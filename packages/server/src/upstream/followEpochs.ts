/**
 * @file A region settles nothing: it reads from the chain what its upstream settled, so that its status page and its miners see
 * their pay. What cannot be read now is read later.
 */
import type { ServerContext } from '../context.js';
import { readChain } from '../epochs/EpochKeeper.js';
import { insertSettledEpoch, lastEpoch } from '../state/epochs.js';

/** At most so many at once: a new region of an old network catches up in steps. */
const AT_ONCE = 50;

export async function followEpochs(context: ServerContext): Promise<void> {
  const { chain, db } = context;
  const status = await readChain(context);
  if (!status) return;
  const first = ((await lastEpoch(db))?.epoch ?? -1) + 1;
  const end = Math.min(status.currentEpoch, first + AT_ONCE);
  for (let epoch = first; epoch < end; epoch++) {
    const settled = await chain.epoch(epoch);
    if (!settled) return;
    await insertSettledEpoch(db, settled, { payouts: await chain.payouts(epoch), nowMs: context.now() });
    context.changed();
  }
}
