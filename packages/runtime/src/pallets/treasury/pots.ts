/**
 * @file Accounts without a key: money that belongs to the network until it decides. One receives slashed bonds, and
 * there is one for each role, which root may name as the role's share account. Consensus: addresses never change.
 */
import { concatBytes, utf8 } from '@alice/protocol';
import { plainEnum } from '../../scale/records.js';
import type { AccountId } from '../../scale/substrateTypes.js';

const POTS = ['Treasury', 'Training', 'Scoring', 'Infrastructure'] as const;
export type Pot = (typeof POTS)[number];
export const potType = plainEnum('pallet_treasury::types::Pot', POTS);

/** Substrate's form of a module account: eight letters that name the pallet, then its own. */
const keyless = (name: string): AccountId => concatBytes(utf8.encode(name), new Uint8Array(32 - name.length));

export const POT_ACCOUNTS: Readonly<Record<Pot, AccountId>> = {
  Treasury: keyless('modlal/trsry'),
  Training: keyless('modlal/train'),
  Scoring: keyless('modlal/score'),
  Infrastructure: keyless('modlal/infra'),
};

/** Receives what slashes leave after the reporter's share. */
export const TREASURY = POT_ACCOUNTS.Treasury;
