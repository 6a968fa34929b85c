/**
 * @file The Utility pallet: several calls in one transaction, with Substrate's names, indices and events. Calls run with
 * the origin of the batch; the fee is that of the whole transaction.
 */
import { vec } from '../../scale/collections.js';
import { u32 } from '../../scale/primitives.js';
import type { ScaleType } from '../../scale/ScaleType.js';
import { dispatchErrorType } from '../../scale/substrateTypes.js';
import { timeOf, type Weighted } from '../../weights/timeOf.js';
import { dispatchErrorValue } from '../dispatchErrorValue.js';
import { nestedCall } from '../nestedCall.js';
import {
  BAD_ORIGIN,
  call,
  constant,
  type DispatchError,
  defineErrors,
  defineEvents,
  type Origin,
  type Pallet,
  type PalletContext,
  type RuntimeCall,
} from '../Pallet.js';

const identity = { name: 'Utility', module: 'pallet_utility', index: 11 } as const;
/** Most calls of one batch. */
const MAX_CALLS = 1_000;

const events = defineEvents(identity.module, identity.index, {
  BatchInterrupted: { index: 0, fields: { index: u32, error: dispatchErrorType } },
  BatchCompleted: { index: 1 },
  BatchCompletedWithErrors: { index: 2 },
  ItemCompleted: { index: 3 },
  ItemFailed: { index: 4, fields: { error: dispatchErrorType } },
});

const errors = defineErrors(identity, {
  TooManyCalls: { index: 0, docs: ['Put fewer calls into the batch.'] },
});

type Calls = { readonly calls: readonly RuntimeCall[] };

const refTime =
  (name: Weighted) =>
  ({ calls }: Calls, ofCall: (call: RuntimeCall) => bigint): bigint =>
    calls.reduce((sum, inner) => sum + ofCall(inner), timeOf(name, calls.length));

/** Runs the calls in order; `onFailure` says what a refused one means: go on, stop here, or refuse everything. */
function runBatch(
  context: PalletContext,
  origin: Origin,
  { calls, onFailure }: Calls & { onFailure: 'continue' | 'stop' | 'refuse' },
): DispatchError | undefined {
  if (origin.kind === 'none') return BAD_ORIGIN;
  if (calls.length > MAX_CALLS) return errors.of('TooManyCalls');
  let failures = 0;
  for (const [index, inner] of calls.entries()) {
    const error = context.dispatch(origin, inner);
    if (!error) {
      events.deposit(context, 'ItemCompleted', undefined);
      continue;
    }
    if (onFailure === 'refuse') return error;
    if (onFailure === 'stop') {
      events.deposit(context, 'BatchInterrupted', { index, error: dispatchErrorValue(error) });
      return undefined;
    }
    failures++;
    events.deposit(context, 'ItemFailed', { error: dispatchErrorValue(error) });
  }
  events.deposit(context, failures > 0 ? 'BatchCompletedWithErrors' : 'BatchCompleted', undefined);
  return undefined;
}

const fields = { calls: vec(nestedCall) };

export const utility: Pallet = {
  ...identity,
  storage: [],
  constants: { batched_calls_limit: constant(u32, MAX_CALLS, 'Most calls of one batch.') },
  calls: {
    batch: call({
      index: 0,
      docs: ['Origin: signed or root. Details: runs calls until one fails; those before it stay done.'],
      fields,
      class: 'Normal',
      refTime: refTime('Utility.batch'),
      run: (context, origin, { calls }) => runBatch(context, origin, { calls, onFailure: 'stop' }),
    }),
    batch_all: call({
      index: 2,
      docs: [
        'Origin: signed or root. Details: runs all calls, or none: the first that fails undoes the others.',
      ],
      fields,
      class: 'Normal',
      refTime: refTime('Utility.batch_all'),
      run: (context, origin, { calls }) => runBatch(context, origin, { calls, onFailure: 'refuse' }),
    }),
    force_batch: call({
      index: 4,
      docs: ['Origin: signed or root. Details: runs all calls; one that fails does not stop the others.'],
      fields,
      class: 'Normal',
      refTime: refTime('Utility.force_batch'),
      run: (context, origin, { calls }) => runBatch(context, origin, { calls, onFailure: 'continue' }),
    }),
  },
  events: events.type as ScaleType<unknown>,
  errors: errors.type,
};
