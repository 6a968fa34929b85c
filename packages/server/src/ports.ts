/**
 * @file What the parameter server needs of the chain. The command line implements it with the protocol's chain client;
 * tests with a fake. Money and scores are bigint.
 */
import type { Address, EpochInfo, EpochReport, HexString, Payout } from '@alice/protocol';

export interface ChainStatus {
  readonly height: number;
  readonly totalIssuancePlanck: bigint;
  /** The epoch the chain expects next. */
  readonly currentEpoch: number;
}

export interface ChainPort {
  genesisHash(): Promise<HexString>;
  /** All three of one block. */
  status(): Promise<ChainStatus>;
  /** Sends the report and resolves once all of it is in blocks. Settling twice is impossible: the chain checks the number. */
  submitEpoch(report: EpochReport): Promise<void>;
  /** A settled epoch; undefined before that. */
  epoch(epoch: number): Promise<EpochInfo | undefined>;
  payouts(epoch: number): Promise<readonly Payout[]>;
  /** Minted by settled epochs that are too old for `epoch` to know; a port without it forgets none. */
  mintedByForgottenEpochs?(): Promise<bigint>;
  balance(address: Address): Promise<bigint>;
  /** Addresses the chain excludes; a port without it excludes nobody. */
  bans?(): Promise<readonly { readonly address: Address; readonly reason: string }[]>;
}
