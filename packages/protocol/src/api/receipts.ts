/**
 * @file Receipts (SCORE-5): what the server measured for one submission and what it is paid, signed, with everything a
 * stranger needs to measure it again: the weights it was measured on, the rows, the bytes. Also what a version was made
 * of, so that its state root can be computed again (AGG-4). Seeds of rows are in a receipt because it is signed only
 * after nobody is scored on those rows any more.
 */
import { type Static, Type } from '@sinclair/typebox';
import { fromHex, utf8 } from '../bytes.js';
import { canonicalJson } from '../hash.js';
import { publicKeyOf, verifySignature } from '../keys.js';
import { AddressSchema, ChunkSchema, HashSchema } from './schemas.js';

const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const Nats = Type.Union([Type.Number(), Type.Null()]);
const Text = Type.Union([Type.String(), Type.Null()]);
const closed = { additionalProperties: false };

/** Rows drawn from a seed, and their mean losses before and after the delta, nats; `after` null when not finite. */
const DrawnRowsSchema = Type.Object(
  {
    batchId: HashSchema,
    seed: Type.String(),
    rows: Count,
    meanLossBeforeNats: Type.Number(),
    meanLossAfterNats: Nats,
  },
  closed,
);
export type DrawnRows = Static<typeof DrawnRowsSchema>;
const On = { version: Count, stateRoot: HashSchema };

export const ReceiptSchema = Type.Object(
  {
    format: Type.Literal('alice-receipt-1'),
    networkId: HashSchema,
    serverId: AddressSchema,
    dataRoot: HashSchema,
    submissionId: Type.String({ maxLength: 64 }),
    taskId: Type.String({ maxLength: 64 }),
    address: AddressSchema,
    instance: Type.String({ maxLength: 32 }),
    rewardAddress: AddressSchema,
    round: Count,
    baseVersion: Count,
    blob: ChunkSchema,
    steps: Count,
    tokens: Count,
    /** `accepted` work is part of `mergedRound`'s version; `code` says why work was refused. */
    outcome: Type.Union([Type.Literal('accepted'), Type.Literal('refused')]),
    code: Text,
    mergedRound: Type.Union([Count, Type.Null()]),
    rowLength: Count,
    stepFraction: Type.Number(),
    /** The gate: held-out rows, `stepFraction` of the delta applied. */
    looks: Type.Array(Type.Object({ ...On, drawn: DrawnRowsSchema }, closed)),
    gainNats: Nats,
    standardErrorNats: Nats,
    /** The work tests: rows of its own task and control rows, the whole delta applied; null when not probed. */
    work: Type.Union([
      Type.Object(
        {
          ...On,
          assigned: DrawnRowsSchema,
          control: DrawnRowsSchema,
          ranges: Type.Array(Type.Object({ shard: Count, from: Count, count: Count })),
          /** Seed of the order of the task's rows, and how many of them the claimed steps used. */
          orderSeed: Type.String(),
          usedRows: Count,
          covered: Nats,
        },
        closed,
      ),
      Type.Null(),
    ]),
    verifiedTokens: Nats,
    /** The miner's rate before, from its last paid receipt, and with this work: what pay is smoothed by. */
    pay: Type.Optional(Type.Object({ previousRate: Nats, smoothedRate: Nats }, closed)),
    /** What epochs add up, nano-nats. */
    score: Type.String({ pattern: '^\\d{1,39}$' }),
  },
  closed,
);
export type Receipt = Static<typeof ReceiptSchema>;

export const SignedReceiptSchema = Type.Object(
  { receipt: ReceiptSchema, signature: Type.String({ pattern: '^0x[0-9a-f]{128}$' }) },
  closed,
);
export type SignedReceipt = Static<typeof SignedReceiptSchema>;

export const ReceiptListSchema = Type.Object({
  /** Newest first. */
  receipts: Type.Array(
    Type.Object({
      submissionId: Type.String(),
      round: Count,
      outcome: Type.String(),
      code: Text,
      score: Type.String(),
      epoch: Type.Union([Count, Type.Null()]),
    }),
    { maxItems: 1000 },
  ),
});
export type ReceiptList = Static<typeof ReceiptListSchema>;

/** Where a signed receipt stands in the tree whose root its epoch settled with, and the siblings that lead there. */
export const ReceiptProofSchema = Type.Object(
  {
    epoch: Count,
    submissionId: Type.String({ maxLength: 64 }),
    receiptsRoot: HashSchema,
    index: Count,
    count: Count,
    path: Type.Array(HashSchema, { maxItems: 64 }),
  },
  closed,
);
export type ReceiptProof = Static<typeof ReceiptProofSchema>;

/** A part of the receipts that an epoch has paid, all of them in order of arrival over the pages. */
export const ReceiptPageSchema = Type.Object({
  epoch: Count,
  page: Count,
  pages: Count,
  receipts: Type.Array(SignedReceiptSchema, { maxItems: 1000 }),
});
export type ReceiptPage = Static<typeof ReceiptPageSchema>;

/** What a version was made of: add these submissions, in this order, to the master of the version before. */
export const VersionFoldSchema = Type.Object({
  version: Count,
  baseVersion: Count,
  rule: Type.Union([
    Type.Literal('mean'),
    Type.Literal('mean-by-work'),
    Type.Literal('score-weighted'),
    Type.Literal('median-of-means'),
  ]),
  clip: Type.Boolean(),
  groups: Count,
  outerLearningRate: Type.Number(),
  /** Rules of pay of that round. */
  pay: Type.Optional(
    Type.Object({
      rule: Type.Union([Type.Literal('verified'), Type.Literal('whitepaper')]),
      equalShare: Type.Number(),
      gainCap: Type.Number(),
      tokenCap: Type.Number(),
      smoothing: Type.Number(),
    }),
  ),
  submissions: Type.Array(
    Type.Object({
      submissionId: Type.String(),
      blob: ChunkSchema,
      /** Of `mean-by-work`: its verified tokens over the most among these, as their receipts state them. */
      weight: Type.Number(),
      /** Of a region's contribution: how many submissions it is the mean of. */
      members: Type.Optional(Count),
    }),
  ),
});
export type VersionFold = Static<typeof VersionFoldSchema>;

export function receiptMessage(receipt: Receipt): Uint8Array {
  return utf8.encode(`alice/receipt/v1\n${receipt.networkId}\n${canonicalJson(receipt)}`);
}

/** What an epoch's receipts root commits to, one leaf for each paid submission in order of arrival. */
export function receiptLeaf({ receipt, signature }: SignedReceipt): Uint8Array {
  return utf8.encode(canonicalJson({ receipt, signature }));
}

/** Whether the server named in it signed exactly this receipt. Who that server is, the caller must know. */
export function verifyReceipt({ receipt, signature }: SignedReceipt): boolean {
  return verifySignature(receiptMessage(receipt), fromHex(signature), publicKeyOf(receipt.serverId));
}
