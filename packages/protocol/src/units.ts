/**
 * @file Units of money and score. Money is `bigint` in planck (10⁻¹² ALICE), never `number`.
 * Scores reach the chain as integers in nano-nats, because floating point must not.
 */
import { CodedError } from './errors.js';

/** An amount in planck. */
export type Balance = bigint;

export const TOKEN_SYMBOL = 'ALICE';
export const TOKEN_DECIMALS = 12;
export const PLANCK_PER_ALICE = 10n ** 12n;
/** CHAIN-1: no rule and no call can raise this. */
export const MAX_SUPPLY_PLANCK = 21_000_000n * PLANCK_PER_ALICE;

/** Planck → "12.5" (no symbol, trailing zeros dropped, exact). */
export function formatAlice(planck: Balance): string {
  const sign = planck < 0n ? '-' : '';
  const magnitude = planck < 0n ? -planck : planck;
  const fraction = (magnitude % PLANCK_PER_ALICE).toString().padStart(TOKEN_DECIMALS, '0').replace(/0+$/, '');
  return `${sign}${magnitude / PLANCK_PER_ALICE}${fraction ? `.${fraction}` : ''}`;
}

/** "12.5" → planck. Throws `AMOUNT_INVALID` on anything but digits with at most 12 decimals. */
export function parseAlice(text: string): Balance {
  const match = /^(\d{1,12})(?:\.(\d{1,12}))?$/.exec(text.trim());
  if (!match)
    throw new CodedError(
      { code: 'AMOUNT_INVALID', text },
      `"${text}" is not an amount of ALICE: write digits with at most 12 decimals, for example 12.5`,
    );
  return BigInt(match[1]!) * PLANCK_PER_ALICE + BigInt((match[2] ?? '').padEnd(TOKEN_DECIMALS, '0'));
}

export const NANO_NATS_PER_NAT = 1e9;

/** Nats (≥ 0, finite) → whole nano-nats, rounded down. Anything else gives 0. */
export function toNanoNats(nats: number): bigint {
  if (!Number.isFinite(nats) || nats <= 0) return 0n;
  return BigInt(Math.floor(Math.min(nats, 1e6) * NANO_NATS_PER_NAT));
}
