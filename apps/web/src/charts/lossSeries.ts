/** @file The numbers of the loss chart: x (tokens or time), loss, loss ± 2 standard errors, the uniform line. */
import type { NetworkStatus } from '@alice/protocol';

export type LossAxis = 'tokens' | 'time';
export type LossSeries = [x: number[], loss: number[], high: number[], low: number[], uniform: number[]];

export function lossSeries(status: NetworkStatus, axis: LossAxis): LossSeries {
  const points = status.versions.filter((v) => v.heldOutLossNats !== null);
  const loss = points.map((v) => v.heldOutLossNats!);
  const spread = points.map((v) => 2 * (v.standardErrorNats ?? 0));
  return [
    points.map((v) => (axis === 'tokens' ? v.trainedTokens : v.createdAtMs / 1000)),
    loss,
    loss.map((l, i) => l + spread[i]!),
    loss.map((l, i) => l - spread[i]!),
    points.map(() => status.uniformLossNats),
  ];
}

/** Lowest and highest nats on the axis: everything drawn and always the uniform line, with a little air. */
export function lossRange(
  uniformLossNats: number,
  lowest: number | null,
  highest: number | null,
): [number, number] {
  const low = Math.min(uniformLossNats, lowest ?? uniformLossNats);
  const high = Math.max(uniformLossNats, highest ?? uniformLossNats);
  const air = Math.max(0.02, 0.06 * (high - low));
  return [low - air, high + air];
}
