/** @file Storage of the Proxy pallet: every entry is paid for by a deposit. */
import { tuple, vec } from '../../scale/collections.js';
import { u128 } from '../../scale/primitives.js';
import { accountId } from '../../scale/substrateTypes.js';
import { storageMap } from '../../storage/StorageItem.js';
import { proxyDefinition } from './types.js';

export const proxies = storageMap({
  pallet: 'Proxy',
  name: 'Proxies',
  hasher: 'Blake2128Concat',
  key: accountId,
  bound: { paidBy: 'deposit' },
  type: tuple(vec(proxyDefinition), u128),
  default: [[], 0n] as const,
  docs: 'Who may act for an account, and the deposit held for that.',
});
