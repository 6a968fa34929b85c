/** @file How far a network has come since it was started, told from its status. */
import type { NetworkStatus } from '@alice/protocol';

/** Epochs settled after epoch `last`. By number: the status of an old network tells only of the newest epochs. */
export function settledSince(status: Pick<NetworkStatus, 'epochs'>, last: number | undefined): number {
  const newest = status.epochs.at(-1)?.epoch;
  return newest === undefined || last === undefined ? 0 : Math.max(0, newest - last);
}
