/** @file Numbers as people read them. Money is exact in tooltips and short in cells; both come from planck. */
import { formatAlice } from '@alice/protocol';

const NARROW_SPACE = '\u202f';

export function alice(planck: string | bigint, decimals = 4): string {
  const [whole, fraction = ''] = formatAlice(BigInt(planck)).split('.');
  return `${groups(whole!)}.${fraction.padEnd(decimals, '0').slice(0, decimals)}`;
}

export const exactAlice = (planck: string | bigint): string =>
  `${formatAlice(BigInt(planck))} ALICE (${planck} planck)`;

export function groups(digits: string): string {
  return digits.replace(/\B(?=(\d{3})+(?!\d))/g, NARROW_SPACE);
}

export const count = (value: number): string => groups(String(Math.round(value)));

export function compact(value: number): string {
  if (value >= 1e9) return `${(value / 1e9).toFixed(2)} G`;
  if (value >= 1e6) return `${(value / 1e6).toFixed(2)} M`;
  return value >= 1e4 ? `${(value / 1e3).toFixed(1)} k` : count(value);
}

/** For the ticks of an axis: round numbers without needless decimals. */
export function tick(value: number): string {
  const [unit, size] =
    value >= 1e9 ? [' G', 1e9] : value >= 1e6 ? [' M', 1e6] : value >= 1e3 ? [' k', 1e3] : ['', 1];
  return `${Number((value / size).toFixed(2))}${unit}`;
}

export function bytes(value: number): string {
  if (value >= 1e9) return `${(value / 1e9).toFixed(2)} GB`;
  if (value >= 1e6) return `${(value / 1e6).toFixed(1)} MB`;
  return value >= 1e3 ? `${(value / 1e3).toFixed(0)} kB` : `${value} B`;
}

export function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 86_400)} days`;
}

/** Date and time in the reader's own zone, digits only, so that columns line up. */
export function dateTime(ms: number): string {
  const date = new Date(ms);
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

export const percent = (part: number, digits = 1): string =>
  `${(100 * part).toFixed(digits)}${NARROW_SPACE}%`;
export const shortAddress = (address: string): string => `${address.slice(0, 6)}…${address.slice(-4)}`;
export const shortHash = (hash: string): string => `${hash.slice(0, 10)}…${hash.slice(-6)}`;
export const scoreNats = (nanoNats: string | bigint): string => (Number(nanoNats) / 1e9).toFixed(4);

/** A score in the unit its role counts in: improvement for training, rows judged for scoring. */
export function roleScore(role: string, score: bigint): string {
  if (role === 'training') return `${scoreNats(score)} nats`;
  return role === 'scoring' ? `${groups(String(score))} rows` : groups(String(score));
}
