/** @file Who an address is. "a2xV…Q3kf" is hard to follow across tables, so each also gets its role and a number. */
import type { NetworkStatus } from '@alice/protocol';
import { shortAddress } from '../format.js';
import type { Cell } from './Table.js';

export type Names = ReadonlyMap<string, string>;

export function nameAddresses(status: NetworkStatus | undefined): Names {
  const counters = new Map<string, number>();
  const names = new Map<string, string>();
  const known = [...(status?.balances ?? [])].sort((a, b) => (a.address < b.address ? -1 : 1));
  for (const { address, role } of known) {
    if (names.has(address)) continue;
    const n = (counters.get(role) ?? 0) + 1;
    counters.set(role, n);
    names.set(address, role === 'miner' ? `miner ${n}` : role);
  }
  return names;
}

export const accountHref = (address: string): string => `#/explorer/account/${encodeURIComponent(address)}`;

export const who = (names: Names, address: string): Cell => ({
  text: `${names.get(address) ?? 'account'} · ${shortAddress(address)}`,
  title: address,
  href: accountHref(address),
});
