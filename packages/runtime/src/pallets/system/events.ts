/** @file Events of the System pallet, with Substrate's indices. */
import { accountId, dispatchErrorType, dispatchInfo } from '../../scale/substrateTypes.js';
import { defineEvents } from '../Pallet.js';

export const SYSTEM_INDEX = 0;

export const systemEvents = defineEvents('frame_system', SYSTEM_INDEX, {
  ExtrinsicSuccess: { index: 0, fields: { dispatch_info: dispatchInfo } },
  ExtrinsicFailed: { index: 1, fields: { dispatch_error: dispatchErrorType, dispatch_info: dispatchInfo } },
  NewAccount: { index: 3, fields: { account: accountId } },
  KilledAccount: { index: 4, fields: { account: accountId } },
});
