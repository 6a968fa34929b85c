/**
 * @file The runtime's pallets put together: the outer call, event and error enums and the table that finds a call.
 * The only place that knows all pallets. Indices are consensus: never change or reuse one.
 */

import { balances } from './pallets/balances/index.js';
import { tryBalances } from './pallets/balances/tryState.js';
import { bindNestedCall } from './pallets/nestedCall.js';
import type { AnyCall, FullState, Pallet, RuntimeCall } from './pallets/Pallet.js';
import { proofOfGradient } from './pallets/proofOfGradient/index.js';
import { feeCollector } from './pallets/proofOfGradient/storage.js';
import { proxy } from './pallets/proxy/index.js';
import { session } from './pallets/session/index.js';
import { staking } from './pallets/staking/index.js';
import { sudo } from './pallets/sudo/index.js';
import { system } from './pallets/system/index.js';
import { eventRecord } from './pallets/system/types.js';
import { timestamp } from './pallets/timestamp/index.js';
import { transactionPayment } from './pallets/transactionPayment/index.js';
import { treasury } from './pallets/treasury/index.js';
import { utility } from './pallets/utility/index.js';
import { vec } from './scale/collections.js';
import { enumOf } from './scale/records.js';
import type { ScaleType } from './scale/ScaleType.js';
import { storageValue } from './storage/StorageItem.js';

export type { RuntimeCall } from './pallets/Pallet.js';

/** An event of any pallet. */
export interface RuntimeEvent {
  readonly type: string;
  readonly value: { readonly type: string; readonly value: unknown };
}

const base: readonly Pallet[] = [
  system,
  timestamp,
  balances,
  transactionPayment,
  staking,
  session,
  proofOfGradient,
  utility,
  sudo,
  proxy,
  treasury,
];

/** The `Call` enum of each pallet that has calls. */
const callTypes = new Map<string, ScaleType<unknown>>();
for (const { name, module, calls } of base)
  if (calls) callTypes.set(name, enumOf(`${module}::pallet::Call`, calls) as ScaleType<unknown>);

function outerEnum<T>(
  name: string,
  typeOf: (pallet: Pallet) => ScaleType<unknown> | undefined,
): ScaleType<T> {
  const present = base.flatMap((pallet) => {
    const of = typeOf(pallet);
    return of ? [[pallet.name, { index: pallet.index, of }] as const] : [];
  });
  return enumOf(`alice_runtime::${name}`, Object.fromEntries(present)) as unknown as ScaleType<T>;
}

export const runtimeCall = outerEnum<RuntimeCall>('RuntimeCall', ({ name }) => callTypes.get(name));
bindNestedCall(runtimeCall);
export const runtimeEvent = outerEnum<RuntimeEvent>('RuntimeEvent', ({ events }) => events);
export const runtimeError = outerEnum<unknown>('RuntimeError', ({ errors }) => errors);

/** What happened in the current block; rewritten by every block. */
export const events = storageValue({
  pallet: 'System',
  name: 'Events',
  type: vec(eventRecord(runtimeEvent)),
  default: [],
  docs: 'What happened in this block.',
});

export const pallets: readonly Pallet[] = base.map((pallet) => {
  if (pallet === system) return { ...pallet, storage: [...pallet.storage, events] };
  if (pallet !== balances) return pallet;
  return { ...pallet, tryState: (state: FullState) => tryBalances(state, feeCollector.get(state)) };
});

/** The declaration of a decoded call. */
export function declarationOf(call: RuntimeCall): AnyCall {
  const found = base.find(({ name }) => name === call.type)?.calls?.[call.value.type];
  if (!found)
    throw new Error(`cannot happen: ${call.type}.${call.value.type} was decoded but is not declared`);
  return found;
}

export const palletCallType = (name: string): ScaleType<unknown> | undefined => callTypes.get(name);
