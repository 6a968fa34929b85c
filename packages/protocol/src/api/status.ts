/** @file What `GET /v1/status` tells the status page and reports; the numbers of money come from the chain, as decimal strings. */
import { type Static, Type } from '@sinclair/typebox';

const Count = Type.Integer({ minimum: 0 });
const Nullable = <T extends ReturnType<typeof Type.Number>>(schema: T) => Type.Union([schema, Type.Null()]);
const Decimal = Type.String();

export const VersionPointSchema = Type.Object({
  version: Count,
  createdAtMs: Count,
  heldOutLossNats: Nullable(Type.Number()),
  standardErrorNats: Nullable(Type.Number()),
  trainedTokens: Count,
  uplinkBytes: Count,
  acceptedSubmissions: Count,
  stateRoot: Type.String(),
});

export const PayoutSchema = Type.Object({
  address: Type.String(),
  role: Type.String(),
  score: Decimal,
  amountPlanck: Decimal,
});

export const StatusSchema = Type.Object({
  serverTimeMs: Count,
  startedAtMs: Count,
  networkId: Type.String(),
  serverId: Type.String(),
  model: Type.Object({ name: Type.String(), parameters: Count, vocab: Count, tokenizer: Type.String() }),
  /** ln(vocab): what guessing uniformly would score (SCORE-3). */
  uniformLossNats: Type.Number(),
  /** All versions, oldest first; thinned to at most 2,000 points, first and last always kept. */
  versions: Type.Array(VersionPointSchema),
  submissions: Type.Object({ accepted: Count, queued: Count, refused: Type.Record(Type.String(), Count) }),
  /** Requests refused before they became a submission, by code. */
  refusedRequests: Type.Record(Type.String(), Count),
  rounds: Type.Object({ applied: Count, rolledBack: Count }),
  miners: Type.Array(
    Type.Object({
      address: Type.String(),
      instance: Type.String(),
      role: Type.String(),
      device: Type.String(),
      lastSeenMs: Count,
      accepted: Count,
      refused: Count,
      score: Decimal,
    }),
  ),
  /** Settled epochs, newest last, at most 200. */
  epochs: Type.Array(
    Type.Object({
      epoch: Count,
      startedAtMs: Count,
      endedAtMs: Count,
      mintedPlanck: Decimal,
      fromVersion: Count,
      toVersion: Count,
      payouts: Type.Array(PayoutSchema),
    }),
  ),
  balances: Type.Array(Type.Object({ address: Type.String(), role: Type.String(), planck: Decimal })),
  totalIssuancePlanck: Decimal,
  genesisIssuancePlanck: Decimal,
  chain: Type.Object({ height: Count, reachable: Type.Boolean() }),
  alarms: Type.Array(Type.Object({ code: Type.String(), message: Type.String(), sinceMs: Count })),
});
export type NetworkStatus = Static<typeof StatusSchema>;
