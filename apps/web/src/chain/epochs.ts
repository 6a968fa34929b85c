/** @file Epochs as the chain keeps them: the only figures of money this app calls exact. Who was paid is in `payouts.ts`. */
import type { ChainReader } from './ChainReader.js';
import type { Value } from './decodeValue.js';

export interface SettledEpoch {
  readonly epoch: number;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly fromVersion: number;
  readonly toVersion: number;
  readonly stateRoot: string;
  readonly receiptsRoot: string;
  readonly heldOutLossNats: number;
  readonly shardsCovered: number;
  readonly mintedPlanck: bigint;
}

export interface EmissionFacts {
  /** The epoch that is running; all below are settled. */
  readonly currentEpoch: number;
  readonly genesisMs: number;
  /** In ten thousandths. */
  readonly roleShares: Readonly<Record<string, number>>;
}

export const GRADIENT_PALLET = 'ProofOfGradient';

export async function readEmissionFacts(reader: ChainReader): Promise<EmissionFacts> {
  const [currentEpoch, genesis, shares] = await reader.storage(
    ['CurrentEpoch', 'GenesisTime', 'RoleShares'].map((item) => ({ pallet: GRADIENT_PALLET, item })),
  );
  return {
    currentEpoch: Number(currentEpoch ?? 0),
    genesisMs: Number(genesis ?? 0),
    roleShares: (shares ?? {}) as Record<string, number>,
  };
}

/** The given epochs, those not settled left out. */
export async function readEpochs(reader: ChainReader, epochs: readonly number[]): Promise<SettledEpoch[]> {
  const values = await reader.storage(
    epochs.map((key) => ({ pallet: GRADIENT_PALLET, item: 'Epochs', key })),
  );
  return values.flatMap((value) =>
    value === undefined ? [] : [settledEpoch(value as Record<string, Value>)],
  );
}

function settledEpoch(value: Record<string, Value>): SettledEpoch {
  return {
    epoch: Number(value['index']),
    startedAtMs: Number(value['started_at']),
    endedAtMs: Number(value['ended_at']),
    fromVersion: Number(value['from_version']),
    toVersion: Number(value['to_version']),
    stateRoot: String(value['state_root']),
    receiptsRoot: String(value['receipts_root']),
    heldOutLossNats: Number(value['held_out_loss']) / 1e9,
    shardsCovered: Number(value['shards_covered']),
    mintedPlanck: BigInt(value['minted'] as bigint),
  };
}
