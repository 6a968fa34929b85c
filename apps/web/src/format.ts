/** @file Numbers as people read them. Money is exact in tooltips and short in cells; both come from planck strings. */
import { formatAlice } from '@alice/protocol';

export function alice(planck: string, decimals = 4): string {
  const [whole, fraction = ''] = formatAlice(BigInt(planck)).split('.');
  return `${groups(whole!)}.${fraction.padEnd(decimals, '0').slice(0, decimals)}`;
}

export const exactAlice = (planck: string): string =>
  `${formatAlice(BigInt(planck))} ALICE (${planck} planck)`;

export function groups(digits: string): string {
  return digits.replace(/\B(?=(\d{3})+(?!\d))/g, '\u202f');
}

export const count = (value: number): string => groups(String(Math.round(value)));

export function compact(value: number): string {
  if (value >= 1e9) return `${(value / 1e9).toFixed(2)} G`;
  if (value >= 1e6) return `${(value / 1e6).toFixed(2)} M`;
  return value >= 1e4 ? `${(value / 1e3).toFixed(1)} k` : count(value);
}

export function bytes(value: number): string {
  if (value >= 1e9) return `${(value / 1e9).toFixed(2)} GB`;
  return value >= 1e6 ? `${(value / 1e6).toFixed(1)} MB` : `${(value / 1e3).toFixed(0)} kB`;
}

export function duration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  return seconds < 3600
    ? `${Math.floor(seconds / 60)} min ${seconds % 60} s`
    : `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

export const shortAddress = (address: string): string => `${address.slice(0, 6)}…${address.slice(-4)}`;
export const scoreNats = (nanoNats: string): string => (Number(nanoNats) / 1e9).toFixed(4);
