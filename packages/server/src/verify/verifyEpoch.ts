/**
 * @file Whether what an epoch paid on the chain follows from its receipts (EPOCH-1, CHAIN-2): all receipts that the settled
 * root commits to, each signed, add up to the score of every account, and the amounts are in proportion to the scores.
 * The chain's part (what was minted, the roles' shares) is every node's own arithmetic and is read from it as it is.
 */
import {
  type EpochInfo,
  leafHash,
  merkleTree,
  type Payout,
  receiptLeaf,
  type SignedReceipt,
} from '@alice/protocol';
import { VerifyError } from './VerifyError.js';
import { openReceipt } from './verifyScore.js';

export interface SettledEpoch {
  readonly settled: EpochInfo;
  readonly payouts: readonly Payout[];
}

export interface VerifiedEpoch {
  readonly epoch: number;
  readonly receipts: number;
  readonly accounts: number;
  readonly nanoNats: bigint;
  /** To miners; the rest went to scorers, server and what the chain's rules set aside. */
  readonly trainingPlanck: bigint;
  readonly mintedPlanck: bigint;
}

/** `receipts`: all of the epoch, in order of arrival. Throws `EPOCH_RECEIPTS_DIFFER`, `PAY_DIFFERS`, and what `openReceipt` throws. */
export function verifyEpoch(
  { settled, payouts }: SettledEpoch,
  receipts: readonly SignedReceipt[],
  serverId: string,
): VerifiedEpoch {
  const { index: epoch, receiptsRoot, mintedPlanck } = settled;
  const actual = merkleTree(receipts.map((signed) => leafHash(receiptLeaf(signed)))).root;
  if (actual !== receiptsRoot)
    throw new VerifyError(
      { code: 'EPOCH_RECEIPTS_DIFFER', epoch, expected: receiptsRoot, actual },
      `the chain settled epoch ${epoch} with receipts root ${receiptsRoot}; these ${receipts.length} lead to ${actual}`,
    );
  const earned = new Map<string, bigint>();
  for (const signed of receipts) {
    const { rewardAddress, score } = openReceipt(signed, serverId);
    earned.set(rewardAddress, (earned.get(rewardAddress) ?? 0n) + BigInt(score));
  }
  const training = payouts.filter(({ role }) => role === 'training');
  for (const { address, scoreNanoNats } of training) {
    check(address, 'score', scoreNanoNats, earned.get(address) ?? 0n);
    earned.delete(address);
  }
  for (const [address, score] of earned) check(address, 'score', 0n, score);
  const total = (of: (payout: Payout) => bigint): bigint => training.reduce((sum, one) => sum + of(one), 0n);
  const nanoNats = total(({ scoreNanoNats }) => scoreNanoNats);
  const trainingPlanck = total(({ amountPlanck }) => amountPlanck);
  for (const { address, scoreNanoNats, amountPlanck } of training) {
    const share = (trainingPlanck * scoreNanoNats) / nanoNats;
    // Whoever rounds, no one's part is a planck away from its exact share.
    if (amountPlanck < share - 1n || amountPlanck > share + 1n) check(address, 'amount', amountPlanck, share);
  }
  return {
    epoch,
    receipts: receipts.length,
    accounts: training.length,
    nanoNats,
    trainingPlanck,
    mintedPlanck,
  };
}

function check(address: string, what: string, stated: bigint, computed: bigint): void {
  if (stated === computed) return;
  throw new VerifyError(
    { code: 'PAY_DIFFERS', what, stated: String(stated), computed: String(computed) },
    `the chain has the ${what} ${stated} for ${address}; from the receipts it is ${computed}`,
  );
}
