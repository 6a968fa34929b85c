/** @file The types of the Proxy pallet, in Substrate's shapes. */
import { u32 } from '../../scale/primitives.js';
import { plainEnum, struct } from '../../scale/records.js';
import type { ValueOf } from '../../scale/ScaleType.js';
import { accountId } from '../../scale/substrateTypes.js';

/** What a delegate may do. */
export const proxyType = plainEnum('alice_runtime::ProxyType', [
  'Any',
  'NonTransfer',
  'Staking',
  'RewardAddress',
]);
export type ProxyType = ValueOf<typeof proxyType>;

export const proxyDefinition = struct(
  'pallet_proxy::ProxyDefinition',
  { delegate: accountId, proxy_type: proxyType, delay: u32 },
  { AccountId: accountId, ProxyType: proxyType, BlockNumber: u32 },
);
export type ProxyDefinition = ValueOf<typeof proxyDefinition>;
