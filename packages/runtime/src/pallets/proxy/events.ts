/** @file Events and errors of the Proxy pallet, with Substrate's indices. */
import { u32 } from '../../scale/primitives.js';
import { accountId } from '../../scale/substrateTypes.js';
import { dispatchResult } from '../dispatchErrorValue.js';
import { defineErrors, defineEvents } from '../Pallet.js';
import { proxyType } from './types.js';

export const proxyIdentity = { name: 'Proxy', module: 'pallet_proxy', index: 13 } as const;

const delegation = { delegator: accountId, delegatee: accountId, proxy_type: proxyType, delay: u32 };

export const proxyEvents = defineEvents(proxyIdentity.module, proxyIdentity.index, {
  ProxyExecuted: { index: 0, fields: { result: dispatchResult } },
  ProxyAdded: { index: 3, fields: delegation },
  ProxyRemoved: { index: 4, fields: delegation },
});

export const proxyErrors = defineErrors(proxyIdentity, {
  TooMany: { index: 0, docs: ['This account has as many delegates as it may have.'] },
  NotFound: { index: 1, docs: ['There is no such delegation.'] },
  NotProxy: { index: 2, docs: ['The signer may not act for this account.'] },
  Unproxyable: { index: 3, docs: ['The delegation does not reach to this call.'] },
  Duplicate: { index: 4, docs: ['This delegation exists.'] },
  Unannounced: { index: 6, docs: ['Delays are not offered: use 0.'] },
  NoSelfProxy: { index: 7, docs: ['An account needs no delegation to itself.'] },
});
