/** @file How a refusal looks in SCALE: `sp_runtime::DispatchError`, in events and results. */

import type { ResultValue } from '../scale/collections.js';
import { result } from '../scale/collections.js';
import { unit } from '../scale/primitives.js';
import type { ValueOf } from '../scale/ScaleType.js';
import { dispatchErrorType } from '../scale/substrateTypes.js';
import type { DispatchError } from './Pallet.js';

type Encodable = ValueOf<typeof dispatchErrorType>;

export function dispatchErrorValue(error: DispatchError): Encodable {
  if (error.kind !== 'Module') return { type: error.kind, value: undefined };
  return { type: 'Module', value: { index: error.pallet, error: Uint8Array.of(error.error, 0, 0, 0) } };
}

/** `Result<(), DispatchError>`, which events of pallets that run other calls carry. */
export const dispatchResult = result(unit, dispatchErrorType);

export function dispatchResultOf(error: DispatchError | undefined): ResultValue<undefined, Encodable> {
  return error ? { error: dispatchErrorValue(error) } : { ok: undefined };
}
