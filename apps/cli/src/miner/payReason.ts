/** @file Why a miner was, or was not, paid in the last settled epoch: one code and one sentence, from the public status alone. */
import { formatAlice, type NetworkStatus } from '@alice/protocol';

export type PayCode =
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

type Facts = Pick<NetworkStatus, 'miners' | 'epochs' | 'submissions'>;

/** `address`: the one that signs; `paidTo`: where its rewards go, if that is another. */
export function payReason(status: Facts, address: string, paidTo: string = address): PayReason {
  const instances = status.miners.filter((m) => m.address === address);
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
  if (instances.length === 0)
    return {
      code: 'NEVER_SEEN',
      sentence: 'this server has not seen the address lately: is the miner running, and with this wallet?',
    };
  return unpaid(status, instances);
}

function unpaid({ epochs, submissions }: Facts, instances: Facts['miners']): PayReason {
  const sum = (of: (m: Facts['miners'][number]) => number): number =>
    instances.reduce((n, m) => n + of(m), 0);
  const [accepted, refused] = [sum((m) => m.accepted), sum((m) => m.refused)];
  const lastSeenMs = Math.max(...instances.map((m) => m.lastSeenMs));
  const last = epochs.at(-1);
  if (accepted === 0 && refused === 0)
    return {
      code: 'NOTHING_JUDGED',
      sentence:
        'it is connected, but none of its updates has been judged yet: the first one takes a few minutes',
    };
  if (accepted === 0)
    return {
      code: 'ALL_REFUSED',
      sentence: `all ${refused} of its updates were refused; the network's commonest refusals: ${commonest(submissions.refused)}`,
    };
  if (!last)
    return {
      code: 'FIRST_EPOCH_OPEN',
      sentence: `${accepted} of its updates were accepted; no epoch has been settled yet, the first settlement pays them`,
    };
  if (lastSeenMs < last.endedAtMs)
    return {
      code: 'AWAY',
      sentence: `it was last seen ${new Date(lastSeenMs).toISOString()}, and had no accepted update in epoch ${last.epoch}`,
    };
  return {
    code: 'COUNTS_NEXT_EPOCH',
    sentence: `none of its updates was accepted in epoch ${last.epoch}; what is accepted now is paid with the next settlement`,
  };
}

function commonest(refused: Readonly<Record<string, number>>): string {
  const codes = Object.entries(refused).sort(([, a], [, b]) => b - a);
  return codes.length === 0
    ? 'none listed'
    : codes
        .slice(0, 3)
        .map(([code, n]) => `${code} (${n})`)
        .join(', ');
}
