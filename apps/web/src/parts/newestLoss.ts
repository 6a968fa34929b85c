/** @file The held-out loss the network stands at: that of the newest version that has been measured. */
import type { NetworkStatus } from '@alice/protocol';

export const newestLoss = ({ versions }: NetworkStatus): number | null =>
  versions.findLast(({ heldOutLossNats }) => heldOutLossNats !== null)?.heldOutLossNats ?? null;
