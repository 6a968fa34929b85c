/** @file What happened to an account in a block, in sentences: money and pay in words, everything else by its name. */
import { alice, shortAddress } from '../format.js';
import type { HistoryEntry, IndexedCall, IndexedEvent, Json } from './explorerIndex.js';

type JsonFields = { readonly [name: string]: Json };

/** Signed calls first, then what others did to the account. Events that only book what another tells are left out. */
export function describeHistory({ signed, events }: HistoryEntry, address: string): string[] {
  const told = events
    .filter((event) => !BOOKKEEPING.has(nameOf(event)))
    .map((event) => SENTENCES[nameOf(event)]?.(fieldsOf(event.data), address) ?? nameOf(event));
  const said = [...signed.map(callText), ...told];
  return said.length > 0 ? said : [...new Set(events.map(nameOf))];
}

const nameOf = ({ pallet, name }: IndexedEvent): string => `${pallet}.${name}`;

const callText = ({ pallet, name, error }: IndexedCall): string =>
  `signed ${pallet}.${name}${error === null ? '' : `, refused: ${error}`}`;

/** Events that a person wants to read; `address` is the account they are read for. */
const SENTENCES: Readonly<Record<string, (fields: JsonFields, address: string) => string>> = {
  'Balances.Transfer': ({ from, to, amount }, address) =>
    from === address
      ? `sent ${money(amount)} to ${short(to)}`
      : `received ${money(amount)} from ${short(from)}`,
  'ProofOfGradient.Rewarded': ({ epoch, role, amount }) =>
    `paid ${money(amount)} for ${word(role)} in epoch ${String(epoch)}`,
  'ProofOfGradient.RoleShared': ({ epoch, role, amount }) =>
    `got ${money(amount)}, its share of ${word(role)} in epoch ${String(epoch)}`,
  'TransactionPayment.TransactionFeePaid': ({ actual_fee: fee }) => `paid a fee of ${money(fee)}`,
};

/** They move the money that other events name. */
const BOOKKEEPING = new Set([
  'System.NewAccount',
  ...['Deposit', 'Withdraw', 'Minted', 'Endowed'].map((name) => `Balances.${name}`),
]);

const fieldsOf = (data: Json): JsonFields =>
  typeof data === 'object' && data !== null && !Array.isArray(data) ? (data as JsonFields) : {};

const money = (planck: Json | undefined): string => `${alice(BigInt(String(planck ?? 0)))} ALICE`;
const short = (address: Json | undefined): string => shortAddress(String(address ?? ''));
/** An enum without fields: `{type: 'Training', value: null}`. */
const word = (role: Json | undefined): string => String(fieldsOf(role ?? null)['type'] ?? role).toLowerCase();
