/**
 * @file Consensus time. `set` is the block's own first extrinsic and nobody else's call; whatever needs the time reads
 * `now`, never a clock (CHAIN-5).
 */
import { compactU64, u64 } from '../../scale/primitives.js';
import { storageValue } from '../../storage/StorageItem.js';
import { timeOf } from '../../weights/timeOf.js';
import { BAD_ORIGIN, call, constant, type Pallet } from '../Pallet.js';

/** Milliseconds since 1970 of the block being executed. */
export const now = storageValue({
  pallet: 'Timestamp',
  name: 'Now',
  type: u64,
  default: 0n,
  docs: 'Time of the current block, in milliseconds since 1970.',
});

export const timestamp: Pallet = {
  name: 'Timestamp',
  module: 'pallet_timestamp',
  index: 1,
  storage: [now],
  constants: {
    MinimumPeriod: constant(
      u64,
      1_500n,
      'Half of the usual time between blocks, in milliseconds; informative.',
    ),
  },
  calls: {
    set: call({
      index: 0,
      docs: ['Origin: none (the block). Details: sets the time of the block; it always increases.'],
      fields: { now: compactU64 },
      class: 'Mandatory',
      refTime: () => timeOf('Timestamp.set'),
      run: ({ state }, origin, args) => {
        if (origin.kind !== 'none') return BAD_ORIGIN;
        now.put(state, args.now);
        return undefined;
      },
    }),
  },
};
