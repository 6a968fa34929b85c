/**
 * @file The chain's storage values as this program's types: bytes in, plain data out. A missing value is the default
 * the chain defines (`undefined` bytes). Money is planck, scores are nano-nats. Throws `SCALE_INVALID`.
 */
import type { HashHex } from '../hash.js';
import { type Address, addressOf } from '../keys.js';
import type { Balance } from '../units.js';
import { ScaleReader } from './ScaleReader.js';

/** Roles in the chain's order; the index is their SCALE variant. */
export const ROLES = ['training', 'scoring', 'infrastructure'] as const;
export type Role = (typeof ROLES)[number];

export interface ChainAccount {
  /** Number of extrinsics the account has signed. */
  readonly nonce: number;
  readonly freePlanck: Balance;
  readonly reservedPlanck: Balance;
  readonly frozenPlanck: Balance;
}

export interface EpochInfo {
  readonly index: number;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly fromVersion: number;
  readonly toVersion: number;
  readonly stateRoot: HashHex;
  readonly heldOutLossNanoNats: bigint;
  readonly shardsCovered: number;
  readonly receiptsRoot: HashHex;
  readonly mintedPlanck: Balance;
}

export interface Payout {
  readonly address: Address;
  readonly role: Role;
  readonly scoreNanoNats: bigint;
  readonly amountPlanck: Balance;
}

export interface Contribution {
  readonly cumulativeScoreNanoNats: bigint;
  readonly firstEpoch: number;
  readonly lastEpoch: number;
  readonly epochs: number;
  readonly totalPaidPlanck: Balance;
}

type Decoder<T> = (bytes: Uint8Array) => T;

/** A decoder that consumes all bytes. */
export function whole<T>(what: string, read: (reader: ScaleReader) => T): Decoder<T> {
  return (bytes) => {
    const reader = new ScaleReader(bytes, what);
    const value = read(reader);
    reader.end();
    return value;
  };
}

/** `System.Account`; the reference counters and flags are of no use to clients and are checked but not kept. */
export const decodeAccount: Decoder<ChainAccount> = whole('System.Account', (reader) => {
  const nonce = reader.u32();
  reader.raw(12); // consumers, providers, sufficients
  const account = {
    nonce,
    freePlanck: reader.u128(),
    reservedPlanck: reader.u128(),
    frozenPlanck: reader.u128(),
  };
  reader.u128(); // flags
  return account;
});

export const decodeTotalIssuance: Decoder<Balance> = whole('Balances.TotalIssuance', (reader) =>
  reader.u128(),
);
export const decodeCurrentEpoch: Decoder<number> = whole('ProofOfGradient.CurrentEpoch', (reader) =>
  reader.u32(),
);

/** How many pages of payouts an epoch has that was reported in pages. */
export const decodeEpochPages: Decoder<number> = whole('ProofOfGradient.EpochPages', (reader) =>
  reader.u32(),
);

export const decodeEpochInfo: Decoder<EpochInfo> = whole('ProofOfGradient.Epochs', (reader) => ({
  index: reader.u32(),
  startedAtMs: reader.timeMs(),
  endedAtMs: reader.timeMs(),
  fromVersion: reader.u32(),
  toVersion: reader.u32(),
  stateRoot: reader.hash(),
  heldOutLossNanoNats: reader.u64(),
  shardsCovered: reader.u32(),
  receiptsRoot: reader.hash(),
  mintedPlanck: reader.u128(),
}));

const PAYOUT_BYTES = 32 + 1 + 16 + 16;
export const decodePayouts: Decoder<Payout[]> = whole('ProofOfGradient.Payouts', (reader) =>
  reader.vector(PAYOUT_BYTES, () => ({
    address: addressOf(reader.raw(32)),
    role: readRole(reader),
    scoreNanoNats: reader.u128(),
    amountPlanck: reader.u128(),
  })),
);

export const decodeContribution: Decoder<Contribution> = whole('ProofOfGradient.Contributions', (reader) => ({
  cumulativeScoreNanoNats: reader.u128(),
  firstEpoch: reader.u32(),
  lastEpoch: reader.u32(),
  epochs: reader.u32(),
  totalPaidPlanck: reader.u128(),
}));

export function readRole(reader: ScaleReader): Role {
  const role = ROLES[reader.u8()];
  if (role === undefined) throw reader.invalid();
  return role;
}
