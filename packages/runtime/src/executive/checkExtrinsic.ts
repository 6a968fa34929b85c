/**
 * @file Whether an extrinsic may enter a block: form, signer, lifetime, nonce, size, fee, signature. The pool and the
 * block builder use the same checks; the block builder also refuses a nonce from the future. The signature comes last
 * because it costs the most.
 */
import { type HexString, isCodedError, type verifySignature } from '@alice/protocol';
import type { InvalidReason } from '../interface.js';
import { metadataDigestBytes } from '../metadata/metadataDigest.js';
import { canPay } from '../pallets/balances/ledger.js';
import type { AnyCall, PalletContext } from '../pallets/Pallet.js';
import { BASE_EXTRINSIC_REF_TIME, MAX_EXTRINSIC_BYTES } from '../pallets/system/limits.js';
import { account } from '../pallets/system/storage.js';
import { feeOf } from '../pallets/transactionPayment/fees.js';
import type { AccountId } from '../scale/substrateTypes.js';
import { extrinsicHash } from '../storage/hashing.js';
import { SPEC_VERSION, TRANSACTION_VERSION } from '../version.js';
import { declarationOf } from '../wiring.js';
import type { Load } from './BlockContext.js';
import { birthOf, deathOf } from './era.js';
import { decodeExtrinsic, type Extrinsic, type SignedExtrinsic, signingPayload } from './extrinsic.js';

/** An extrinsic that may be applied. */
export interface CheckedExtrinsic extends Load {
  readonly hash: HexString;
  readonly signer: AccountId;
  readonly nonce: number;
  readonly fee: bigint;
  readonly tip: bigint;
  readonly call: AnyCall;
  readonly args: object;
  /** The first block that can no longer hold it; `undefined` for never. */
  readonly death: number | undefined;
}

export type Check = { readonly ok: CheckedExtrinsic } | { readonly reason: InvalidReason };

/** What a check needs besides the extrinsic. */
export interface CheckEnvironment {
  readonly context: PalletContext;
  /** Hash of an earlier block, if it is still known. */
  readonly blockHash: (number: number) => HexString | undefined;
  readonly verifySignature: typeof verifySignature;
}

/** Checks `extrinsic` for the block of the environment's context. Never throws for what the extrinsic contains. */
export function checkExtrinsic(environment: CheckEnvironment, extrinsic: Uint8Array): Check {
  if (extrinsic.length > MAX_EXTRINSIC_BYTES) return { reason: 'ExhaustsResources' };
  const decoded = tryDecode(extrinsic);
  if (!decoded) return { reason: 'Call' };
  const call = declarationOf(decoded.call);
  if (call.class === 'Mandatory') return { reason: 'BadMandatory' };
  if (decoded.kind === 'bare') return { reason: 'BadSigner' };
  return checkSigned(environment, decoded, extrinsic);
}

function checkSigned(environment: CheckEnvironment, decoded: SignedExtrinsic, extrinsic: Uint8Array): Check {
  const { address, signature, extra } = decoded;
  if (address.type !== 'Id' || signature.type !== 'Sr25519' || isZero(address.value))
    return { reason: 'BadSigner' };
  const { context } = environment;
  const call = declarationOf(decoded.call);
  const args = decoded.call.value.value;
  const fee = feeOf(extrinsic.length, callRefTime(call, args));
  const nonce = extra.CheckNonce;
  if (nonce < account.get(context.state, address.value).nonce) return { reason: 'Stale' };
  const tip = extra.ChargeTransactionPayment;
  if (!canPay(context, address.value, fee + tip)) return { reason: 'Payment' };
  const payload = payloadOf(environment, decoded);
  if (typeof payload === 'string') return { reason: payload };
  if (!environment.verifySignature(payload, signature.value, address.value)) return { reason: 'BadProof' };
  return {
    ok: {
      hash: extrinsicHash(extrinsic),
      signer: address.value,
      nonce,
      fee,
      tip,
      call,
      args,
      class: call.class,
      refTime: refTimeOf(call, args),
      lengthBytes: extrinsic.length,
      death: deathOf(extra.CheckMortality, context.blockNumber),
    },
  };
}

/** The bytes the signer must have signed, or why there are none. */
function payloadOf(
  environment: CheckEnvironment,
  { extra, extraBytes, callBytes }: SignedExtrinsic,
): Uint8Array | InvalidReason {
  const genesisHash = environment.blockHash(0);
  const birthHash = environment.blockHash(birthOf(extra.CheckMortality, environment.context.blockNumber));
  if (!genesisHash || !birthHash) return 'AncientBirthBlock';
  return signingPayload(callBytes, extraBytes, {
    CheckNonZeroSender: undefined,
    CheckSpecVersion: SPEC_VERSION,
    CheckTxVersion: TRANSACTION_VERSION,
    CheckGenesis: genesisHash,
    CheckMortality: birthHash,
    CheckNonce: undefined,
    CheckWeight: undefined,
    ChargeTransactionPayment: undefined,
    CheckMetadataHash: extra.CheckMetadataHash.mode === 'Enabled' ? metadataDigestBytes() : undefined,
  });
}

export function refTimeOf(call: AnyCall, args: object): bigint {
  return BASE_EXTRINSIC_REF_TIME + callRefTime(call, args);
}

/** Execution time of the call alone, calls inside it included. */
export function callRefTime(call: AnyCall, args: object): bigint {
  return call.refTime(args as Parameters<AnyCall['refTime']>[0], (inner) =>
    callRefTime(declarationOf(inner), inner.value.value),
  );
}

/** `undefined` for bytes that are no extrinsic. */
export function tryDecode(extrinsic: Uint8Array): Extrinsic | undefined {
  try {
    return decodeExtrinsic(extrinsic);
  } catch (error) {
    if (isCodedError(error) && error.info.code === 'SCALE_INVALID') return undefined;
    throw error;
  }
}

const isZero = (id: AccountId): boolean => id.every((byte) => byte === 0);
