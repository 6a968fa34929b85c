/**
 * @file What a node's explorer index tells beyond the state: the history of an account and all accounts, in words. A node
 * may run without one; then these answer `undefined` and the pages show what the state alone gives.
 */
import type { ChainSocket } from '../chain/ChainSocket.js';
import { WebError } from '../errors.js';

/** A decoded value as the node writes it: integers too wide for JSON as decimal strings, enums as `{type, value}`. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

export interface IndexedCall {
  readonly pallet: string;
  readonly name: string;
  readonly args: Json;
  /** Name of the refusal; null when the call succeeded. */
  readonly error: string | null;
}
export interface IndexedEvent {
  readonly pallet: string;
  readonly name: string;
  readonly data: Json;
}
/** A block that changed the account: what it signed there, and the events that name it. */
export interface HistoryEntry {
  readonly number: number;
  readonly timestampMs: number;
  readonly signed: readonly IndexedCall[];
  readonly events: readonly IndexedEvent[];
}
/** `next` asks for what comes after; null at the end. */
export interface HistoryPage {
  readonly entries: readonly HistoryEntry[];
  readonly next: number | null;
}
export interface AccountsPage {
  readonly accounts: readonly { readonly address: string; readonly free: string; readonly nonce: number }[];
  readonly next: string | null;
}

const METHOD_NOT_FOUND = -32601;

/** Blocks before `before`, the newest first. */
export const readHistory = (
  socket: ChainSocket,
  address: string,
  { before, limit }: { readonly before: number | null; readonly limit: number },
): Promise<HistoryPage | undefined> =>
  ask<HistoryPage>(socket, 'alice_accountHistory', [address, before, limit]);

/** Accounts in the order of their storage keys. */
export const readAccounts = (
  socket: ChainSocket,
  { after, limit }: { readonly after: string | null; readonly limit: number },
): Promise<AccountsPage | undefined> => ask<AccountsPage>(socket, 'alice_accounts', [after, limit]);

async function ask<T>(
  socket: ChainSocket,
  method: string,
  params: readonly unknown[],
): Promise<T | undefined> {
  try {
    return (await socket.call(method, params)) as T;
  } catch (error) {
    if (isUnknownMethod(error)) return undefined;
    throw error;
  }
}

const isUnknownMethod = (error: unknown): boolean =>
  error instanceof WebError &&
  error.info.code === 'CHAIN_RPC_ERROR' &&
  error.info.rpcCode === METHOD_NOT_FOUND;
