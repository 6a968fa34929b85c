/**
 * @file What an epoch pays (EPOCH-1, CHAIN-2): a pure function from unpaid work to the report. Scores
 * are summed as integers per reward address, so that the report adds up exactly to the scores of its submissions.
 */
import {
  type Address,
  compareBytes,
  type EpochReport,
  type EpochScore,
  type HashHex,
  publicKeyOf,
  ROLES,
  type Role,
  toNanoNats,
} from '@alice/protocol';
import type { SubmissionRow } from '../state/submissions.js';
import type { VersionRow } from '../state/versions.js';

export interface UnpaidWork {
  readonly epoch: number;
  readonly fromVersion: number;
  readonly latest: VersionRow;
  /** Merged and unpaid, in order of arrival. */
  readonly submissions: readonly SubmissionRow[];
  /** Over their signed receipts: together they let anybody recompute the scores of the epoch (SCORE-5). */
  readonly receiptsRoot: HashHex;
  readonly scorers: readonly { readonly reward_address: string; readonly unpaid_rows: number }[];
  /** The server's own address, for the infrastructure share. */
  readonly server: Address;
}

/** Undefined while no submission has a positive score: such an epoch would pay nobody (CHAIN-1). */
export function epochReport(work: UnpaidWork): EpochReport | undefined {
  const training = sumBy(work.submissions.map((row) => [row.reward_address as Address, BigInt(row.score)]));
  if (training.size === 0) return undefined;
  const scoring = sumBy(work.scorers.map((row) => [row.reward_address as Address, BigInt(row.unpaid_rows)]));
  const scores: EpochScore[] = [
    ...entries('training', training),
    ...entries('scoring', scoring),
    { address: work.server, role: 'infrastructure', scoreNanoNats: 1n },
  ];
  return {
    epoch: work.epoch,
    fromVersion: work.fromVersion,
    toVersion: work.latest.version,
    stateRoot: work.latest.state_root,
    heldOutLossNanoNats: toNanoNats(work.latest.loss_nats ?? 0),
    shardsCovered: new Set(work.submissions.flatMap((row) => row.shards.split(','))).size,
    receiptsRoot: work.receiptsRoot,
    scores: scores.sort(byRoleThenAccount),
  };
}

function sumBy(pairs: readonly (readonly [Address, bigint])[]): Map<Address, bigint> {
  const sums = new Map<Address, bigint>();
  for (const [address, score] of pairs) if (score > 0n) sums.set(address, (sums.get(address) ?? 0n) + score);
  return sums;
}

function entries(role: Role, sums: ReadonlyMap<Address, bigint>): EpochScore[] {
  return [...sums].map(([address, scoreNanoNats]) => ({ address, role, scoreNanoNats }));
}

function byRoleThenAccount(a: EpochScore, b: EpochScore): number {
  const roles = ROLES.indexOf(a.role) - ROLES.indexOf(b.role);
  return roles !== 0 ? roles : compareBytes(publicKeyOf(a.address), publicKeyOf(b.address));
}
