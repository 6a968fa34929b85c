/**
 * @file Why a miner was, or was not, paid in the last settled epoch: one code and one sentence, from what anyone may ask a
 * server: its status, and the miner's own receipts, which also tell of members the status no longer lists.
 */
import { formatAlice, type NetworkStatus, type ReceiptList } from '@alice/protocol';

export type PayCode =
  | 'BANNED' // the operator or the chain has excluded the address
  | 'PAID' // the last settled epoch has a payout
  | 'NEVER_SEEN' // the server does not know this address
  | 'NOTHING_JUDGED' // connected, but no update was accepted or refused yet
  | 'ALL_REFUSED' // updates arrived, none was accepted
  | 'FIRST_EPOCH_OPEN' // accepted work, and no epoch has ever been settled
  | 'COUNTS_NEXT_EPOCH' // accepted work after the last settlement
  | 'AWAY'; // it was not there during the last settled epoch

export interface PayReason {
  readonly code: PayCode;
  readonly sentence: string;
}

type Facts = Pick<NetworkStatus, 'miners' | 'epochs' | 'submissions'> & {
  /** The miner's own, newest first. */
  readonly receipts: ReceiptList['receipts'];
  /** Why the address is excluded, if it is. */
  readonly banned?: string | undefined;
};

/** A miner says nothing while it trains; a device that needs longer than this for a task is told it was away. */
const SILENT_MS = 300_000;

/** `address`: the one that signs; `paidTo`: where its rewards go, if that is another. */
export function payReason(status: Facts, address: string, paidTo: string = address): PayReason {
  const instances = status.miners.filter((m) => m.address === address);
  if (status.banned !== undefined)
    return {
      code: 'BANNED',
      sentence: `the address is excluded (${status.banned}): nothing of it is accepted; what it earned before stays its own`,
    };
  const last = status.epochs.at(-1);
  const paid = (last?.payouts ?? []).filter(
    (p) => p.address === paidTo && p.role.toLowerCase() === 'training',
  );
  if (last && paid.length > 0) {
    const planck = paid.reduce((sum, { amountPlanck }) => sum + BigInt(amountPlanck), 0n);
    return {
      code: 'PAID',
      sentence: `epoch ${last.epoch} paid ${formatAlice(planck)} ALICE for verified work`,
    };
  }
  if (instances.length === 0 && status.receipts.length === 0)
    return {
      code: 'NEVER_SEEN',
      sentence: 'this server has not seen the address lately: is the miner running, and with this wallet?',
    };
  return unpaid(status, instances);
}

function unpaid(facts: Facts, instances: Facts['miners']): PayReason {
  const [accepted, refused] = [judged(facts, instances, 'accepted'), judged(facts, instances, 'refused')];
  const lastSeenMs = Math.max(0, ...instances.map((m) => m.lastSeenMs));
  const last = facts.epochs.at(-1);
  if (accepted === 0 && refused === 0)
    return {
      code: 'NOTHING_JUDGED',
      sentence:
        'it is connected, but none of its updates has been judged yet: the first one takes a few minutes',
    };
  if (accepted === 0)
    return {
      code: 'ALL_REFUSED',
      sentence: `all ${refused} of its updates were refused${whyRefused(facts)}`,
    };
  if (!last)
    return {
      code: 'FIRST_EPOCH_OPEN',
      sentence: `${accepted} of its updates were accepted; no epoch has been settled yet, the first settlement pays them`,
    };
  if (lastSeenMs === 0 || lastSeenMs + SILENT_MS < last.endedAtMs) {
    const seen =
      lastSeenMs === 0 ? 'has not been seen lately' : `was last seen ${new Date(lastSeenMs).toISOString()}`;
    return { code: 'AWAY', sentence: `it ${seen}, and had no accepted update in epoch ${last.epoch}` };
  }
  return {
    code: 'COUNTS_NEXT_EPOCH',
    sentence: `none of its updates was accepted in epoch ${last.epoch}${whyRefused(facts)}; what is accepted now is paid with the next settlement`,
  };
}

/** The status forgets members, and receipts come a version late: whichever knows of more. */
function judged({ receipts }: Facts, instances: Facts['miners'], outcome: 'accepted' | 'refused'): number {
  const listed = instances.reduce((sum, instance) => sum + instance[outcome], 0);
  return Math.max(listed, receipts.filter((receipt) => receipt.outcome === outcome).length);
}

/** From its own receipts, else what the network refuses most. */
function whyRefused({ receipts, submissions }: Facts): string {
  const own: Record<string, number> = {};
  for (const { outcome, code } of receipts)
    if (outcome === 'refused') own[code ?? 'UNKNOWN'] = (own[code ?? 'UNKNOWN'] ?? 0) + 1;
  if (Object.keys(own).length > 0) return `; its refusals: ${commonest(own)}`;
  const all = commonest(submissions.refused);
  return all === '' ? '' : `; the network's commonest refusals: ${all}`;
}

function commonest(refused: Readonly<Record<string, number>>): string {
  const codes = Object.entries(refused).sort(([, a], [, b]) => b - a);
  return codes
    .slice(0, 3)
    .map(([code, n]) => `${code} (${n})`)
    .join(', ');
}
