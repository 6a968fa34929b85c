/** @file What the chain has paid an address for work, and what lies there now; read at each new block. */
import { openChain } from '../chain/openChain.js';
import type { ChainNotice } from '../parts/chainNotice.js';

export interface Earnings {
  readonly freePlanck: bigint;
  /** Paid for all work ever credited to the address, by this browser or others. */
  readonly paidPlanck: bigint;
}

/** Follows an address until the returned function is called. While the chain is away nothing is told; `notice` says so. */
export function followEarnings(
  address: string,
  notice: ChainNotice,
  onEarnings: (earnings: Earnings) => void,
): () => void {
  let stop: () => void = () => undefined;
  let isClosed = false;
  void openChain().then((open) => {
    notice.follow(open);
    if (isClosed) return;
    const { reader } = open;
    const read = async (): Promise<void> => {
      const [account, [contribution]] = await Promise.all([
        reader.account(address),
        reader.storage([{ pallet: 'ProofOfGradient', item: 'Contributions', key: address }]),
      ]);
      const paidPlanck = (contribution as { total_paid?: bigint } | undefined)?.total_paid ?? 0n;
      if (!isClosed) onEarnings({ freePlanck: account.freePlanck, paidPlanck });
    };
    stop = reader.onHead(() => void read().catch(() => undefined)); // the next block asks again
  });
  return () => {
    isClosed = true;
    stop();
  };
}
