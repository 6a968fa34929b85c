/** @file Wallets with their balances as lines for people: names and decimal points stand below each other. */
import { type ChainClient, formatAlice, parseAddress } from '@alice/protocol';
import pc from 'picocolors';
import type { WalletEntry } from './walletStore.js';

export interface WalletBalance extends WalletEntry {
  /** Null where the chain does not answer. */
  readonly planck: string | null;
}

/** All are asked at once: a chain that is away costs one wait, not one for each wallet. */
export function withBalances(entries: readonly WalletEntry[], chain: ChainClient): Promise<WalletBalance[]> {
  return Promise.all(
    entries.map(async (entry) => {
      const account = await chain.account(parseAddress(entry.address)).catch(() => undefined);
      return { ...entry, planck: account?.freePlanck.toString() ?? null };
    }),
  );
}

export function walletLines(wallets: readonly WalletBalance[]): string[] {
  const amounts = wallets.map(({ planck }) => amountOf(planck));
  const widest = (lengths: readonly number[]): number => Math.max(0, ...lengths);
  const names = widest(wallets.map(({ name }) => name.length));
  const wholes = widest(amounts.map((amount) => amount?.whole.length ?? 0));
  const fractions = widest(amounts.map((amount) => amount?.fraction.length ?? 0));
  return wallets.map(({ name, address, encrypted }, i) => {
    const amount = amounts[i];
    const money = amount
      ? `${amount.whole.padStart(wholes)}${amount.fraction.padEnd(fractions)} ALICE`
      : pc.dim('chain not reachable');
    return `${name.padEnd(names)}  ${address}  ${money}${encrypted ? '' : pc.dim('  (not encrypted)')}`;
  });
}

/** The fraction with its point. */
function amountOf(planck: string | null): { readonly whole: string; readonly fraction: string } | undefined {
  if (planck === null) return undefined;
  const [whole = '', fraction] = formatAlice(BigInt(planck)).split('.');
  return { whole, fraction: fraction === undefined ? '' : `.${fraction}` };
}
