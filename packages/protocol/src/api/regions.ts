/**
 * @file What a regional server and its upstream say to each other: signed receipts of the region's miners, which of their
 * submissions travel up whole, and what each miner is credited with. A receipt carries the miner's own signature over its
 * registration with the region, so that nobody is counted who did not choose it. Rows and seeds are never said: those of
 * the region stay its secret. Times are the upstream's.
 */
import { type Static, Type } from '@sinclair/typebox';
import { fromHex, utf8 } from '../bytes.js';
import { canonicalJson } from '../hash.js';
import { publicKeyOf, verifySignature } from '../keys.js';
import { registrationMessage } from './registration.js';
import { AddressSchema, ChunkSchema, HashSchema, InstanceSchema, SubmissionStatusSchema } from './schemas.js';

const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const Decimal = Type.String({ pattern: '^\\d{1,39}$' });
const SignatureSchema = Type.String({ pattern: '^0x[0-9a-f]{128}$' });
const closed = { additionalProperties: false };

/** What a region states about one submission that it has judged. */
export const RegionClaimSchema = Type.Object(
  {
    format: Type.Literal('alice-region-claim-1'),
    networkId: HashSchema,
    /** The region's address; its key signs. */
    regionId: AddressSchema,
    submissionId: Type.String({ minLength: 1, maxLength: 64 }),
    address: AddressSchema,
    instance: InstanceSchema,
    rewardAddress: AddressSchema,
    round: Count,
    baseVersion: Count,
    /** The miner's submission: whoever asks for it must get these bytes. */
    blob: ChunkSchema,
    steps: Count,
    tokens: Count,
    verifiedTokens: Type.Number({ minimum: 0 }),
    /** Mean paired gain on the region's own held-out rows, nats. */
    gainNats: Type.Number(),
    /** The miner's part of what the contribution is paid, nano-nats by the region's own judgement. */
    score: Decimal,
  },
  closed,
);
export type RegionClaim = Static<typeof RegionClaimSchema>;

export const RegionReceiptSchema = Type.Object(
  {
    claim: RegionClaimSchema,
    signature: SignatureSchema,
    /** What the miner signed when it registered with the region (REG-1). */
    consent: Type.Object({ challenge: HashSchema, signature: SignatureSchema }, closed),
  },
  closed,
);
export type RegionReceipt = Static<typeof RegionReceiptSchema>;

/** Few enough for the limit on JSON bodies. */
export const RECEIPTS_AT_ONCE = 8;
export const RegionReceiptsSchema = Type.Object(
  { receipts: Type.Array(RegionReceiptSchema, { minItems: 1, maxItems: RECEIPTS_AT_ONCE }) },
  closed,
);
/** Receipts of the task held so far. */
export const HeldReceiptsSchema = Type.Object({ held: Count });

/** "These were all, `count` of them": from here on nothing is added. */
export const CommitRequestSchema = Type.Object({ count: Count }, closed);
/** The submissions, of those named, that travel up whole; drawn after the commitment. */
export const CommitSchema = Type.Object({ audits: Type.Array(Type.String()) });

/** What became of a contribution; `queued` until nothing of it can change any more. */
export const CreditsSchema = Type.Object({
  status: SubmissionStatusSchema,
  code: Type.Union([Type.String(), Type.Null()]),
  reason: Type.String(),
  credits: Type.Array(
    Type.Object({
      submissionId: Type.String(),
      status: SubmissionStatusSchema,
      code: Type.Union([Type.String(), Type.Null()]),
      /** Nano-nats. */
      score: Decimal,
    }),
  ),
});
export type Credits = Static<typeof CreditsSchema>;

/** The bytes that the region's key signs. */
export function regionClaimMessage(claim: RegionClaim): Uint8Array {
  return utf8.encode(`alice/region-claim/v1\n${claim.networkId}\n${canonicalJson(claim)}`);
}

/** Whether the region named in the claim signed exactly this claim. */
export function isSignedByRegion({ claim, signature }: RegionReceipt): boolean {
  return verifySignature(regionClaimMessage(claim), fromHex(signature), publicKeyOf(claim.regionId));
}

/** Whether the miner named in the claim registered with that region, to be paid at that address. */
export function isSignedByMiner({ claim, consent }: RegionReceipt): boolean {
  const { networkId, regionId: serverId, address, instance, rewardAddress } = claim;
  const { challenge } = consent;
  const message = registrationMessage({
    ...{ networkId, serverId, address, instance, challenge, rewardAddress },
    role: 'miner',
  });
  return verifySignature(message, fromHex(consent.signature), publicKeyOf(address));
}
