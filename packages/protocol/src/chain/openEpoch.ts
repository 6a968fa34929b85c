import { type Address, addressOf } from '../keys.js';
import type { EpochHead } from './epochReport.js';
import type { ScaleReader } from './ScaleReader.js';
import { type Role, readRole, whole } from './storageValues.js';

export interface OpenEpoch extends EpochHead {
  /** Scores announced, pages and scores received. */
  readonly entries: number;
  readonly pages: number;
  readonly received: number;
  /** The last score received. */
  readonly last: { readonly role: Role; readonly address: Address } | undefined;
  /** Sums of the scores received. */
  readonly totals: Readonly<Record<Role, bigint>>;
  /** Whether all pages are in and blocks pay them. */
  readonly isPaying: boolean;
}

/** Two times, two sums by role, the next page, the number of payouts and what was minted. */
const PAYING_BYTES = 8 + 8 + 48 + 48 + 4 + 4 + 16;

/** Throws `SCALE_INVALID`. */
export const decodeOpenEpoch = whole('ProofOfGradient.OpenEpoch', (reader): OpenEpoch => {
  const open = {
    epoch: reader.u32(),
    fromVersion: reader.u32(),
    toVersion: reader.u32(),
    stateRoot: reader.hash(),
    heldOutLossNanoNats: reader.u64(),
    shardsCovered: reader.u32(),
    receiptsRoot: reader.hash(),
    entries: reader.u32(),
    pages: reader.u32(),
    received: reader.u32(),
    last: readIf(reader, () => ({ role: readRole(reader), address: addressOf(reader.raw(32)) })),
    totals: { training: reader.u128(), scoring: reader.u128(), infrastructure: reader.u128() },
  };
  return { ...open, isPaying: readIf(reader, () => reader.raw(PAYING_BYTES)) !== undefined };
});

function readIf<T>(reader: ScaleReader, read: () => T): T | undefined {
  const flag = reader.u8();
  if (flag > 1) throw reader.invalid();
  return flag === 1 ? read() : undefined;
}
